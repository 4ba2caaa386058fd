// Which case comes next: one that is already in hand goes before any new one, or it would lapse unseen.

import { call } from "./api.js";

// The id of the case to go on with, now held; null when nothing waits.
export async function takeNext(queue) {
  const { leases } = await call("GET", "/v1/leases");
  if (leases.length) return leases[0].case_id;
  const claimed = await call("POST", `/v1/queues/${encodeURIComponent(queue)}/claim`);
  return claimed && claimed.case.id;
}
