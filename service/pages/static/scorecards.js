// Scorecards: a form and a table; what every page has is all they need.

import { startPage } from "./page.js";

startPage();
