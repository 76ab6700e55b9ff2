// The edits of one match: a stack in the order they were made, with undo; the server plays them, this says which.
import { useCallback, useEffect, useRef, useState } from "../lib.js";
import { get, post } from "../api.js";
import { complain, say } from "../store.js";

const WAIT_MS = 350; // after the last turn of a knob

const kept = (run) => { try { return JSON.parse(sessionStorage.getItem(`edits ${run}`)) || []; } catch { return []; } };

// Takes the sounds of edits that are no longer made off the deck, but for those named.
function forget(deck, but = []) {
  for (const [name, track] of [...deck.tracks]) {
    if (!track.url.includes("edit=") || but.includes(name)) continue;
    deck.drop(name);
    if (name in deck.weights) deck.choose(but.length ? "edited" : "match");
  }
}

// stack: [{name, values}]. Returns what the views need: the stack, its address at the server, and how to change it.
export function useEdits(run, deck) {
  const [state, setState] = useState(() => ({ stack: kept(run), past: [], future: [] }));
  const [made, setMade] = useState(null); // the server's answer: {edit, same, edits, seconds}
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  const first = useRef(true); // after a reload the edits come back without switching what is heard

  useEffect(() => {
    const stop = new AbortController();
    const { stack } = state;
    sessionStorage.setItem(`edits ${run}`, JSON.stringify(stack));
    if (!stack.length) {
      first.current = false;
      setMade(null); setFailed(null); setBusy(false);
      forget(deck);
      return () => stop.abort();
    }
    setBusy(true);
    const timer = setTimeout(async () => {
      try {
        const answer = await post(`/api/runs/${run}/edits`, { edits: stack });
        if (stop.signal.aborted) return;
        const before = Boolean(deck.buffer("edited"));
        forget(deck, ["edited"]);
        await deck.load("edited", `/api/runs/${run}/match.wav?edit=${answer.edit}`);
        const { gains_db } = await get(`/api/runs/${run}/level?edit=${answer.edit}`, { signal: stop.signal });
        if (stop.signal.aborted) return;
        deck.setGains({ ...deck.gainsDb, edited: gains_db.match });
        if (!before && !first.current) deck.choose("edited");
        setMade(answer); setFailed(null);
        say("The edited sound is ready.");
      } catch (error) { if (!stop.signal.aborted) { setFailed(error); if (!error.found) complain(error); } }
      first.current = false;
      if (!stop.signal.aborted) setBusy(false);
    }, first.current ? 0 : WAIT_MS);
    return () => { stop.abort(); clearTimeout(timer); };
  }, [run, state.stack]);

  // `together`: turns of the same knob are one step to undo.
  const together = useRef("");
  const change = useCallback((make, knob = "") => setState((s) => {
    const merge = knob && knob === together.current;
    together.current = knob;
    return { ...s, stack: make(s.stack), past: merge ? s.past : [...s.past, s.stack], future: [] };
  }), []);
  const step = (from, to) => setState((s) => {
    if (!s[from].length) return s;
    together.current = "";
    return { ...s, stack: s[from].at(-1), [from]: s[from].slice(0, -1), [to]: [...s[to], s.stack] };
  });
  return {
    stack: state.stack, made: state.stack.length ? made : null, busy, failed,
    active: state.stack.length > 0, change,
    undo: () => step("past", "future"), redo: () => step("future", "past"),
    canUndo: state.past.length > 0, canRedo: state.future.length > 0,
    // To add to an address: plays and exports what is edited, once it exists.
    query: state.stack.length && made ? { edit: made.edit } : {},
  };
}
