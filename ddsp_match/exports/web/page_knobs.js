/* The sliders of the instrument page: one for each knob of an Instrument, with its value in words. */
class PageKnobs {
  /* change(name, value) is told of every turn. */
  constructor(change) {
    this.change = change;
    this.all = [];
  }

  /* Adds one to an element; `start` is where it stands and goes back to. */
  add(parent, knob, start) {
    const row = document.createElement('div');
    row.className = 'knob';
    const id = `knob-${knob.name}`;
    const label = document.createElement('label');
    label.htmlFor = id;
    label.textContent = knob.label;
    if (knob.words) row.title = knob.words;
    const shown = document.createElement('output');
    shown.htmlFor = id;
    const input = knob.choices ? this._choice(knob) : this._slider(knob);
    input.id = id;
    row.append(label, shown, input);
    parent.append(row);
    const one = {knob, input, shown, start};
    input.addEventListener('input', () => this._turned(one));
    input.addEventListener('dblclick', () => this.set(one, one.start));
    this.all.push(one);
    this.set(one, start, true);
  }

  /* Puts one to a value, silently or as if it were turned. */
  set(one, value, silent) {
    one.input.value = one.knob.choices ? value : PageKnobs.place(one.knob, value);
    this._show(one, value); // the value itself, which may lie between two places of the slider
    if (!silent) this.change(one.knob.name, value);
  }

  reset() {
    for (const one of this.all) this.set(one, one.start);
  }

  named(name) {
    return this.all.find((one) => one.knob.name === name);
  }

  _slider(knob) {
    const input = document.createElement('input');
    input.type = 'range';
    input.min = 0;
    input.max = PageKnobs.steps(knob);
    input.step = 1;
    return input;
  }

  _choice(knob) {
    const select = document.createElement('select');
    for (const choice of knob.choices) {
      const option = document.createElement('option');
      option.value = choice;
      option.textContent = choice;
      select.append(option);
    }
    return select;
  }

  _turned(one) {
    const value = one.knob.choices ? one.input.value : PageKnobs.value(one.knob, Number(one.input.value));
    this._show(one, value);
    this.change(one.knob.name, value);
  }

  _show({knob, input, shown}, value) {
    if (knob.choices) return;
    const words = PageKnobs.words(knob, value);
    shown.textContent = words;
    input.setAttribute('aria-valuetext', words);
    const at = input.value / input.max;
    const from = knob.low < 0 && knob.high > 0 ? PageKnobs.place(knob, 0) / input.max : 0;
    input.style.setProperty('--from', Math.min(from, at));
    input.style.setProperty('--to', Math.max(from, at));
  }

  /* Times are turned finely where they are short: the slider goes by the square root. */
  static curve(knob) {
    return knob.unit === 's' ? 2 : 1;
  }

  static steps(knob) {
    return knob.unit === 's' ? 100 : Math.round((knob.high - knob.low) / knob.step);
  }

  static value(knob, place) {
    const share = (place / PageKnobs.steps(knob)) ** PageKnobs.curve(knob);
    const raw = knob.low + share * (knob.high - knob.low);
    return knob.unit === 's' ? Number(raw.toPrecision(3)) : Math.round(raw / knob.step) * knob.step;
  }

  static place(knob, value) {
    const share = (value - knob.low) / (knob.high - knob.low);
    return Math.round(Math.max(0, Math.min(1, share)) ** (1 / PageKnobs.curve(knob)) * PageKnobs.steps(knob));
  }

  static words(knob, value) {
    if (knob.unit === 'dB' && value <= -40) return 'off';
    if (knob.name === 'reverb') return `${Math.round(100 * value)} %`;
    if (knob.unit === 's') return value < 0.1 ? `${Math.round(1000 * value)} ms` : `${value.toFixed(2)} s`;
    const digits = knob.step >= 1 ? 0 : 1;
    const sign = knob.low < 0 && value > 0 ? '+' : value < 0 ? '−' : '';
    return `${sign}${Math.abs(value).toFixed(digits)} ${knob.unit}`.trim();
  }
}
globalThis.PageKnobs = PageKnobs;
