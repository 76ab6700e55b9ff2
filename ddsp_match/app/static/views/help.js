// The keys, in a dialog.
import { html, useEffect, useRef } from "../lib.js";

const KEYS = [
  ["Everywhere", [["space", "play and pause"], ["← →", "back and forth"], ["L", "loop"], ["E", "equal loudness"], ["1 2 3 …", "target, match, stems"], ["N", "a new sound"], ["?", "this list"]]],
  ["Edit", [["Ctrl Z", "undo"], ["Ctrl Shift Z", "redo"], ["double click, Del", "bring a knob back"]]],
  ["Play", [["A W S E D …", "the keys of a piano"], ["Z X", "octave down and up"], ["Esc", "silence"]]],
  ["Blind test", [["A B X", "listen to"], ["1 2", "X is A, X is B"]]],
];

export function Help({ open, onClose }) {
  const dialog = useRef();
  useEffect(() => { if (open) dialog.current.showModal(); else dialog.current.close(); }, [open]);
  return html`<dialog ref=${dialog} aria-label="Keys" onClose=${onClose} onClick=${(e) => e.target === dialog.current && onClose()}>
    <h2>Keys</h2>${KEYS.map(([head, keys]) => html`<h3>${head}</h3><dl class="shortcuts">${keys.map(([names, words]) => html`<dt>${names.split(" ").map((name) => html`<kbd>${name}</kbd> `)}</dt><dd>${words}</dd>`)}</dl>`)}
    <div class="row"><button type="button" class="primary" onClick=${onClose}>Close</button></div></dialog>`;
}
