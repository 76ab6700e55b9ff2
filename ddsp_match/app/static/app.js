// The page's frame: which view is shown, what is announced, and what to do when something goes wrong.
import { html, render, useEffect, useRef, useState } from "./lib.js";
import { useStore, dismiss, go } from "./store.js";
import { listen, refreshAll } from "./events.js";
import { useKeys } from "./keys.js";
import { Icon, Problem } from "./views/parts.js";
import { Side } from "./views/side.js";
import { Help } from "./views/help.js";
import { Home, DropVeil } from "./views/drop.js";
import { Sound } from "./views/sound.js";
import { Job } from "./views/job.js";
import { Run } from "./views/run.js";
import { Compare } from "./views/compare.js";
import { Effect, Effects } from "./views/effects.js";
import { stem } from "./format.js";

const VIEWS = { home: Home, sound: Sound, job: Job, run: Run, compare: Compare, effect: Effect, effects: Effects };

// What the window's title and the list in the browser's history say.
function useTitle(route) {
  const named = useStore((s) => ({ sound: s.sounds, job: s.jobs, run: s.runs, effect: s.pairs }[route.kind] || []).find((one) => one.id === route.id));
  useEffect(() => { document.title = named && route.kind !== "home" ? `${stem(named.name)} · ddsp-match` : "ddsp-match"; }, [named, route]);
}

function App() {
  const route = useStore((s) => s.route), reach = useStore((s) => s.reach);
  const troubles = useStore((s) => s.troubles), said = useStore((s) => s.said);
  const [help, setHelp] = useState(false);
  const main = useRef(), first = useRef(true);
  useTitle(route);
  useKeys({ "?": () => setHelp(true), n: () => go("home") });
  useEffect(() => { // a new page begins at its top, for the eyes and for the keyboard
    if (first.current) { first.current = false; return; }
    scrollTo(0, 0);
    main.current.focus({ preventScroll: true });
  }, [route]);
  const View = VIEWS[route.kind];
  return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); main.current.focus(); }}>To the content</a>
    ${reach === "gone" && html`<div class="gone" role="alert">The server is gone. Start it again with <b>ddsp-match app</b>; this page waits and goes on by itself.</div>`}
    <div class="shell"><${Side} onHelp=${() => setHelp(true)} />
      <main id="main" tabindex="-1" ref=${main}><${View} key=${`${route.kind} ${route.id}`} id=${route.id} /></main></div>
    <div class="troubles">${troubles.map((one) => html`<div class="trouble" role="alert" key=${one.key}><${Problem} trouble=${one} />
      <button type="button" class="plain icon" aria-label="Dismiss" onClick=${() => dismiss(one.key)}><${Icon} name="close" /></button></div>`)}</div>
    <div class="hidden-words" role="status" aria-live="polite">${said}</div>
    <${DropVeil} /><${Help} open=${help} onClose=${() => setHelp(false)} />`;
}

render(html`<${App} />`, document.getElementById("app"));
refreshAll();
listen();
