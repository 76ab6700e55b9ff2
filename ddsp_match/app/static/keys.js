// Keys of the page. The view that came last answers first; typing is left alone.
import { useEffect, useRef } from "./lib.js";

const layers = [];

const typing = (target) =>
  target.isContentEditable || target.matches?.("textarea, select, input:not([type=range], [type=checkbox], [type=radio], [type=button])");

// Keys that a focused control needs for itself.
function needed(target, key) {
  if (key === " " || key === "Enter") return target.closest?.("button, a, summary, input, select, [role=tab], [tabindex='0']");
  if (key.startsWith("Arrow")) return target.closest?.("input, select, [role=tab], [role=tablist], [role=group], .piano, .keyboard");
  return null;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  const plain = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const name = event.ctrlKey || event.metaKey ? `Mod+${event.shiftKey ? "Shift+" : ""}${plain}` : plain;
  if (needed(event.target, event.key)) return;
  for (const layer of [...layers].reverse()) {
    const action = layer.current[name];
    if (action) { event.preventDefault(); action(event); return; }
    if (layer.current.swallow?.(event)) return; // a keyboard that plays takes the letters for itself
  }
});

// keys: {" ": action, l: action, "Mod+z": action}
export function useKeys(keys) {
  const layer = useRef(keys);
  layer.current = keys;
  useEffect(() => {
    layers.push(layer);
    return () => layers.splice(layers.indexOf(layer), 1);
  }, []);
}

// After a click with the mouse the space bar should play, not press the same button again.
document.addEventListener("click", (event) => {
  if (event.detail > 0 && event.target.closest?.("button, input[type=checkbox], input[type=radio]") && !event.target.closest("dialog")) document.activeElement?.blur();
});
