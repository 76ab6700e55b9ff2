'use strict';
// A piano to play with mouse, fingers or the arrow keys. It only tells; what sounds is up to the page. Sets
// globalThis.Keyboard; its looks are in keyboard.css.
globalThis.Keyboard = (() => {
  const NAMES = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B'];
  const SAID = ['C', 'C sharp', 'D', 'D sharp', 'E', 'F', 'F sharp', 'G', 'G sharp', 'A', 'A sharp', 'B'];
  const LETTERS = ['A', 'W', 'S', 'E', 'D', 'F', 'T', 'G', 'Y', 'H', 'U', 'J', 'K', 'O', 'L', 'P', ';', '\''];
  const BLACK = new Set([1, 3, 6, 8, 10]);
  const NARROWEST = 26; // of a white key, in CSS pixels: what a finger can hit
  const BLACK_SHARE = 0.6; // of a white key's width
  const SOFTEST = 0.3, USUAL = 0.8;
  const isBlack = (midi) => BLACK.has(((midi % 12) + 12) % 12);
  const octaveOf = (midi) => Math.floor(midi / 12) - 1;
  const whitesBetween = (low, high) => {
    let count = 0;
    for (let midi = low; midi <= high; midi++) count += !isBlack(midi);
    return count;
  };

  return class Keyboard {
    #base; #root = null;

    constructor(element, {low = 48, high = 84, onDown = () => {}, onUp = () => {}, labels = true, baseMidi = 60} = {}) {
      this.element = element;
      this.wide = {low, high};
      this.onDown = onDown;
      this.onUp = onUp;
      this.labels = labels;
      this.#base = baseMidi;
      this.shown = new Set(); // pressed by others
      this.pointers = new Map(); // pointer id: midi
      this.typed = null; // held by Enter or Space
      this.keys = new Map();
      this.current = baseMidi;
      element.classList.add('piano');
      element.setAttribute('role', 'group');
      if (!element.hasAttribute('aria-label')) element.setAttribute('aria-label', 'Piano keyboard: arrow keys move, Enter plays');
      this.listeners = {
        pointerdown: (event) => this.touched(event), pointermove: (event) => this.slid(event),
        pointerup: (event) => this.lifted(event), pointercancel: (event) => this.lifted(event),
        keydown: (event) => this.keyed(event), keyup: (event) => this.unkeyed(event),
        focusout: () => this.untype(), contextmenu: (event) => event.preventDefault(),
      };
      for (const [name, listener] of Object.entries(this.listeners)) element.addEventListener(name, listener);
      this.observer = new ResizeObserver(() => this.draw());
      this.observer.observe(element);
      this.draw();
    }

    get baseMidi() { return this.#base; }
    set baseMidi(midi) { this.#base = midi; this.draw(true); }
    get root() { return this.#root; }
    set root(midi) { this.#root = midi === null ? null : Math.round(midi); this.draw(true); }

    range(low, high) {
      this.wide = {low, high};
      this.draw(true);
    }

    /** The keys that fit: all of them, or as many octaves as there is room for, those of the computer keys among them. */
    fitting() {
      const {low, high} = this.wide;
      const room = Math.floor(this.element.clientWidth / NARROWEST) || 1;
      if (whitesBetween(low, high) <= room) return {low, high};
      const octaves = Math.max(1, Math.floor((room - 1) / 7));
      const middle = this.#base - 12 * Math.floor((octaves - 1) / 2);
      const from = Math.max(12 * Math.ceil(low / 12), Math.min(middle, 12 * Math.floor(high / 12) - 12 * octaves));
      return {low: from, high: Math.min(high, from + 12 * octaves)};
    }

    draw(always = false) {
      const {low, high} = this.fitting();
      if (!always && this.drawn && this.drawn.low === low && this.drawn.high === high) return;
      const focused = this.element.contains(document.activeElement);
      this.drawn = {low, high};
      this.keys.clear();
      this.current = Math.min(high, Math.max(low, this.current));
      const width = 100 / whitesBetween(low, high);
      let whites = 0;
      const made = [];
      for (let midi = low; midi <= high; midi++) {
        const black = isBlack(midi), tone = ((midi % 12) + 12) % 12;
        const key = document.createElement('button');
        key.type = 'button';
        key.className = black ? 'piano-key black' : 'piano-key';
        key.dataset.midi = midi;
        key.tabIndex = midi === this.current ? 0 : -1;
        key.setAttribute('aria-label', `${SAID[tone]}${black ? ' ' : ''}${octaveOf(midi)}${midi === this.#root ? ', the sound’s own pitch' : ''}`);
        key.setAttribute('aria-pressed', 'false');
        const share = black ? width * BLACK_SHARE : width;
        key.style.left = `${black ? whites * width - share / 2 : whites * width}%`;
        key.style.width = `${share}%`;
        if (!black) whites++;
        const add = (name, text) => {
          const span = document.createElement('span');
          span.className = name;
          span.textContent = text;
          span.setAttribute('aria-hidden', 'true');
          key.append(span);
        };
        if (midi === this.#root) add('root', '');
        const letter = LETTERS[midi - this.#base];
        if (letter) key.setAttribute('aria-keyshortcuts', letter);
        if (this.labels && letter) add('letter', letter);
        if (tone === 0) add('name', `C${octaveOf(midi)}`);
        made.push(key);
        this.keys.set(midi, key);
      }
      this.element.replaceChildren(...made);
      for (const midi of this.keys.keys()) this.light(midi);
      if (focused) this.keys.get(this.current).focus();
    }

    /** Shows a key as pressed. */
    press(midi) { this.shown.add(midi); this.light(midi); }
    release(midi) { this.shown.delete(midi); this.light(midi); }
    releaseAll() {
      for (const midi of [...this.shown]) this.release(midi);
    }

    light(midi) {
      const key = this.keys.get(midi);
      if (!key) return;
      const down = this.shown.has(midi) || this.typed === midi || [...this.pointers.values()].includes(midi);
      key.classList.toggle('pressed', down);
      key.setAttribute('aria-pressed', String(down));
    }

    under(event) {
      const found = document.elementFromPoint(event.clientX, event.clientY);
      const key = found && found.closest('.piano-key');
      return key && this.element.contains(key) ? key : null;
    }

    /** Struck near its front edge a key is loud. */
    velocityAt(event, key) {
      const box = key.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
      return SOFTEST + (1 - SOFTEST) * share;
    }

    touched(event) {
      if (event.button) return;
      const key = this.under(event);
      if (!key) return;
      event.preventDefault();
      this.element.setPointerCapture(event.pointerId);
      this.focus(Number(key.dataset.midi), false);
      this.move(event.pointerId, Number(key.dataset.midi), this.velocityAt(event, key));
    }

    slid(event) {
      if (!this.pointers.has(event.pointerId)) return;
      const key = this.under(event);
      const midi = key ? Number(key.dataset.midi) : null;
      if (midi !== this.pointers.get(event.pointerId)) this.move(event.pointerId, midi, key ? this.velocityAt(event, key) : 0);
    }

    lifted(event) {
      if (!this.pointers.has(event.pointerId)) return;
      this.move(event.pointerId, null, 0);
      this.pointers.delete(event.pointerId);
    }

    /** A finger on to another key, or (null) to none. */
    move(pointer, midi, velocity) {
      const before = this.pointers.get(pointer);
      this.pointers.set(pointer, midi);
      if (before !== undefined && before !== null) {
        this.onUp(before);
        this.light(before);
      }
      if (midi !== null) {
        this.onDown(midi, velocity);
        this.light(midi);
      }
    }

    focus(midi, shown = true) {
      const {low, high} = this.drawn;
      const to = Math.min(high, Math.max(low, midi));
      const old = this.keys.get(this.current);
      if (old) old.tabIndex = -1;
      this.current = to;
      this.keys.get(to).tabIndex = 0;
      if (shown) this.keys.get(to).focus();
    }

    keyed(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const {low, high} = this.drawn;
      const to = {ArrowRight: this.current + 1, ArrowLeft: this.current - 1, ArrowUp: this.current + 1, ArrowDown: this.current - 1,
        PageUp: this.current + 12, PageDown: this.current - 12, Home: low, End: high}[event.key];
      if (to !== undefined) {
        this.untype();
        this.focus(to);
      } else if (event.key === 'Enter' || event.key === ' ') {
        if (!event.repeat && this.typed === null) {
          this.typed = this.current;
          this.onDown(this.typed, USUAL);
          this.light(this.typed);
        }
      } else return;
      event.preventDefault();
      event.stopPropagation();
    }

    unkeyed(event) {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        this.untype();
      }
    }

    untype() {
      if (this.typed === null) return;
      const midi = this.typed;
      this.typed = null;
      this.onUp(midi);
      this.light(midi);
    }

    destroy() {
      this.untype();
      for (const pointer of [...this.pointers.keys()]) this.move(pointer, null, 0);
      this.observer.disconnect();
      for (const [name, listener] of Object.entries(this.listeners)) this.element.removeEventListener(name, listener);
      this.element.replaceChildren();
    }
  };
})();
