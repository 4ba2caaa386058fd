// Pages of administration that are only read.

import { startPage } from "./page.js";

startPage();
