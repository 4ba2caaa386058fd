// The improvement register and the Pareto: what every page has, and the dialog that changes an action.

import { startImprovements } from "./improvement.js";
import { startPage } from "./page.js";

startPage();
startImprovements();
