'use strict';
// What plays an instrument besides the page itself: the letters of the computer's keyboard, and Web MIDI. Sets
// globalThis.Inputs.
globalThis.Inputs = (() => {
  const CODES = ['KeyA', 'KeyW', 'KeyS', 'KeyE', 'KeyD', 'KeyF', 'KeyT', 'KeyG', 'KeyY', 'KeyH', 'KeyU', 'KeyJ', 'KeyK',
    'KeyO', 'KeyL', 'KeyP', 'Semicolon', 'Quote'];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  /** Whether what is typed there is text. */
  const isTyping = (target) => {
    if (!target || !target.closest) return false;
    const field = target.closest('input, textarea, select, [contenteditable=""], [contenteditable="true"]');
    return Boolean(field) && !(field.matches('input') && ['range', 'button', 'checkbox', 'radio'].includes(field.type));
  };

  /** Plays the instrument from the letters; returns what lets go of them. */
  const computerKeys = (instrument, element, onOctave) => {
    const held = new Map(); // code: midi, so that a key that began in another octave ends there
    const down = (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented || isTyping(event.target)) return;
      const shift = {KeyZ: -12, KeyX: 12}[event.code], step = CODES.indexOf(event.code);
      if (shift) {
        instrument.baseMidi = clamp(instrument.baseMidi + shift, 0, 108);
        if (onOctave) onOctave(instrument.baseMidi);
      } else if (step >= 0 && !held.has(event.code)) {
        held.set(event.code, instrument.baseMidi + step);
        instrument.on(instrument.baseMidi + step);
      } else return;
      event.preventDefault();
    };
    const up = (event) => {
      if (!held.has(event.code)) return;
      instrument.off(held.get(event.code));
      held.delete(event.code);
    };
    const leave = () => { held.clear(); instrument.releaseAll(); };
    const hide = () => { if (document.hidden) leave(); };
    element.addEventListener('keydown', down);
    element.addEventListener('keyup', up);
    window.addEventListener('blur', leave);
    document.addEventListener('visibilitychange', hide);
    return () => {
      leave();
      element.removeEventListener('keydown', down);
      element.removeEventListener('keyup', up);
      window.removeEventListener('blur', leave);
      document.removeEventListener('visibilitychange', hide);
    };
  };

  /** Tells of every MIDI message; resolves to the names of what is connected. */
  const midi = async (told) => {
    if (!navigator.requestMIDIAccess) throw new Error('This browser has no Web MIDI: Chrome, Edge and Firefox have it, over https or on localhost.');
    const access = await navigator.requestMIDIAccess().catch(() => { throw new Error('The browser was not allowed to use MIDI: allow it for this page and try again.'); });
    const listen = () => { for (const input of access.inputs.values()) input.onmidimessage = ({data}) => told(data); };
    access.onstatechange = listen;
    listen();
    return {inputs: [...access.inputs.values()].map((input) => input.name)};
  };

  return {computerKeys, midi};
})();
