// Which case comes next: one that is already in hand goes before any new one, or it would lapse unseen.

import { call } from "./api.js";
import { secondsUntil } from "./clock.js";
import { rememberMilder } from "./milder.js";
import { breakDueAt, stopsBy } from "./rest.js";
import { pageOf } from "./swap.js";

// A case that was fetched ahead and is about to go back is not gone to: it would be somebody else's on arrival.
const LEAST_SECONDS = 3;

// The id of the case to go on with, now held; null when nothing waits. What was begun goes before what is unopened.
export async function takeNext(queue) {
  const { leases } = await call("GET", "/v1/leases");
  const held = leases.find((lease) => !lease.prefetched) ?? leases[0];
  if (held) return held.case_id;
  const claimed = await call("POST", claimOf(queue));
  rememberMilder(claimed);
  return claimed && claimed.case.id;
}

// The case after the one on this page, fetched with its page while this one is worked on. Whatever becomes of the page, the
// server takes an unopened case back by itself.
export class NextCase {
  #queue;
  #show;
  #fetched = null;
  #fetching = null;
  #dueAt = breakDueAt();

  // `show` puts a page that was fetched in the place of this one.
  constructor({ queue, next, nextUntil }, show) {
    this.#queue = queue;
    this.#show = show;
    if (next) this.#fetching = this.#take({ caseId: next, until: nextUntil });
  }

  // Once for a page. That there is none, or not for this person now, changes nothing: it is claimed when it is needed.
  fetch() {
    this.#fetching ??= call("POST", claimOf(this.#queue), { prefetch: true }).then(
      (claimed) => {
        rememberMilder(claimed);
        return claimed && this.#take({ caseId: claimed.case.id, until: claimed.lease.expires_at });
      },
      () => {},
    );
  }

  // What ended on this page stands whatever happens here; the console then says what is wrong, or that a break is due.
  async go(claimNext) {
    await this.#fetching;
    const stops = claimNext && stopsBy(this.#queue, await this.#dueAt);
    const fetched = this.#fetched;
    if (!claimNext || stops) return location.assign("/console");
    if (fetched && secondsUntil(fetched.until) > LEAST_SECONDS) {
      if (fetched.page) return this.#show(fetched.page, fetched.caseId);
      return location.assign(`/cases/${fetched.caseId}`);
    }
    const next = await takeNext(this.#queue).catch(() => null);
    location.assign(next ? `/cases/${next}` : "/console");
  }

  async #take(fetched) {
    this.#fetched = fetched;
    fetched.page = await pageOf(fetched.caseId);
  }
}

function claimOf(queue) {
  return `/v1/queues/${encodeURIComponent(queue)}/claim`;
}
