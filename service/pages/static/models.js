// The page of models: nothing to do but what every page has.

import { startPage } from "./page.js";

startPage();
