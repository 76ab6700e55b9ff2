// The server's events: the queue, and what the running fit is doing. After a break it says everything again.
import { set, say, setJob, refresh, refreshRuns, refreshPairs, complain, current, jobOf } from "./store.js";
import { Trouble, onReach } from "./api.js";

const REST_MS = 3000; // a browser holds six connections to a server: hidden pages close theirs
let source = null, timer = 0, tries = 0, rest = 0, rested = false;

// The stages that take time, in words and as a place in the row of steps.
const STAGES = {
  read: ["Reading the sound", 0], effects: ["Estimating the room", 0], f0: ["Tracking the pitch", 0], "first guess": ["Making a first guess", 1],
  optimise: ["Improving the match", 2], search: ["Searching the settings", 2], write: ["Writing the result", 3],
};
export const stageWords = (stage) => STAGES[stage]?.[0] || "Starting";
export const stageNumber = (stage) => STAGES[stage]?.[1] ?? -1;

const handlers = {
  hello({ boot, version }) {
    const restarted = current().boot && current().boot !== boot;
    set({ boot, version });
    if (restarted) refreshAll();
  },
  jobs: ({ jobs }) => set({ jobs }),
  stage({ job, stage, progress }) {
    if (!(stage in STAGES)) return; // over in a moment
    const before = jobOf(job)(current());
    setJob(job, { stage, progress });
    if (before && before.stage !== stage) say(stageWords(stage));
  },
  step: ({ job, step, steps, loss, best, elapsed_s }) => setJob(job, (known) => {
    const before = known.losses || [];
    const last = before.length ? before.at(-1)[0] : -1;
    const losses = last < step ? before : last > step ? [] : before.slice(0, -1); // a search may begin again
    return { step, steps, loss, best, elapsed_s, losses: [...losses, [step, loss, best]] };
  }),
  best({ job, version, seconds }) {
    if (!jobOf(job)(current())?.version) say("A first match can be heard.");
    setJob(job, { version, best_seconds: seconds });
  },
  done({ job, run, effect = null }) {
    setJob(job, { state: "done", run, effect });
    say(effect ? "The effects are found." : "The match is finished.");
    if (run) refreshRuns().catch(complain);
  },
  failed({ job, error }) {
    setJob(job, { state: "failed", error });
    const { route } = current();
    if (!(route.kind === "job" && route.id === job)) complain(new Trouble(error));
    say("The fit did not work out.");
  },
  cancelled: ({ job }) => setJob(job, { state: "cancelled" }),
  runs: () => refreshRuns().catch(complain),
  effects: () => refreshPairs().catch(complain),
  sounds: ({ sounds }) => set({ sounds }),
  ready: () => set({ ready: true }),
};

function reached() {
  const returned = current().reach === "gone", missed = returned || rested;
  set({ reach: "up" });
  tries = 0;
  rested = false;
  if (!missed) return;
  if (returned) say("The server is back.");
  refreshAll();
}

export const refreshAll = () => { for (const ask of [refresh, refreshRuns]) ask().catch(complain); };

export function listen() {
  clearTimeout(timer);
  source?.close();
  source = new EventSource("/api/events");
  for (const [kind, handle] of Object.entries(handlers)) {
    source.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
  }
  source.onopen = reached;
  source.onerror = () => {
    source.close();
    set({ reach: "gone" });
    tries = Math.min(tries + 1, 4);
    timer = setTimeout(listen, 400 * 2 ** tries);
  };
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(rest);
  if (!document.hidden) { if (rested) listen(); return; }
  rest = setTimeout(() => { clearTimeout(timer); source?.close(); rested = true; }, REST_MS);
});

// A page that was left for another document is kept by the browser, with its connection unless that is let go.
addEventListener("pagehide", () => { clearTimeout(timer); source?.close(); rested = true; });
addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

// A closed laptop or a stopped server is noticed at the next request, too.
onReach((yes) => { if (!yes && current().reach === "up") { set({ reach: "gone" }); timer = setTimeout(listen, 500); } });
