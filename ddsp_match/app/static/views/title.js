// The heading of a page: what its sound is called, and a button to call it something else.
import { html, useState } from "../lib.js";
import { complain } from "../store.js";
import { Icon, useName } from "./parts.js";
import { stem } from "../format.js";

export function Title({ name, onRename }) {
  const [draft, setDraft] = useState(null);
  const id = useName("name");
  const save = async (event) => {
    event.preventDefault();
    try { await onRename(draft.trim()); setDraft(null); } catch (error) { complain(error); }
  };
  return html`<div class="row title"><h1 tabindex="-1">${stem(name)}</h1>
    ${onRename && draft === null && html`<button type="button" class="plain small" onClick=${() => setDraft(stem(name))}><${Icon} name="pen" />Rename</button>`}
    ${draft !== null && html`<form class="row tight" onSubmit=${save}><label class="hidden-words" for=${id}>New name</label>
      <input id=${id} type="text" required maxlength="120" value=${draft} ref=${(field) => { if (field && !field.seen) { field.seen = true; field.select(); } }} onInput=${(e) => setDraft(e.target.value)} />
      <button type="submit" class="primary" disabled=${!draft.trim()}>Save</button><button type="button" onClick=${() => setDraft(null)}>Cancel</button></form>`}</div>`;
}
