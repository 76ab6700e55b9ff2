'use strict';
// The page's side of the synthesizer: starts the audio, hands over voices, and plays notes and knobs. Needs room.js and
// inputs.js before it; sets globalThis.Instrument.
globalThis.Instrument = (() => {
  const {Room, Inputs} = globalThis;
  const KNOBS = [
    {name: 'brightness', label: 'Brightness', low: -6, high: 6, step: 0.1, value: 0, unit: 'dB/oct', words: 'tilts the spectrum: darker to the left, brighter to the right'},
    {name: 'noise', label: 'Noise stem', low: -40, high: 20, step: 0.5, value: 0, unit: 'dB', words: 'breath, bow and hiss; off at the left end'},
    {name: 'harmonic', label: 'Harmonic stem', low: -40, high: 20, step: 0.5, value: 0, unit: 'dB', words: 'the partials; off at the left end'},
    {name: 'attack', label: 'Attack', low: 0, high: 2, step: 0.01, value: 0, unit: 's', words: 'how long a key fades in, on top of the attack of the sound itself'},
    {name: 'release', label: 'Release', low: 0.02, high: 5, step: 0.01, value: 0.25, unit: 's', words: 'how long a key rings on when it is let go: to -60 dB'},
    {name: 'vibrato_depth', label: 'Vibrato', low: 0, high: 100, step: 1, value: 0, unit: 'cents', words: 'how far the pitch sways either way'},
    {name: 'vibrato_rate', label: 'Vibrato rate', low: 1, high: 10, step: 0.1, value: 5.5, unit: 'Hz', words: 'how fast it sways'},
    {name: 'reverb', label: 'Reverb', low: 0, high: 1, step: 0.01, value: 0, unit: 'share', words: 'the room: the one of the sound where it has one'},
    {name: 'transpose', label: 'Transpose', low: -24, high: 24, step: 1, value: 0, unit: 'semitones', words: 'the next keys sound higher or lower'},
    {name: 'formant', label: 'Formants', choices: ['keep', 'move'], value: 'keep', words: 'whether the body of the sound stays where it is as the pitch moves'},
    {name: 'level', label: 'Level', low: -40, high: 12, step: 0.5, value: 0, unit: 'dB', words: 'of everything'},
  ];
  const SCRIPTS = ['synth.js', 'noise.js', 'formants.js', 'key.js', 'keys.js', 'worklet.js'];
  const BYTES = ['f0_hz', 'amplitude', 'distribution', 'phases', 'noise', 'envelope'];
  const USUAL = 0.8, BEND_SEMITONES = 2, WHEEL_CENTS = 50;
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;

  return class Instrument extends EventTarget {
    static KNOBS = KNOBS;
    static SCRIPTS = SCRIPTS;

    constructor({workletSource = null, base = null, context = null, destination = null, latencyHint = 'interactive'} = {}) {
      super();
      if (!workletSource && base === null) throw new Error('found: neither workletSource nor base; needed: one of them');
      this.given = {workletSource, base, destination, latencyHint};
      this.context = context;
      this.node = null;
      this.analyser = null;
      this.knobs = Object.fromEntries(KNOBS.map(({name, value}) => [name, value]));
      this.pressed = new Set();
      this.hasRoom = false;
      this.baseMidi = 60;
      this.wheel = 0;
      this.expression = 1;
      this.volume = 1;
      this.early = []; // messages from before the start
      this.loading = []; // who waits for a voice
      this.starting = null;
    }

    start() {
      this.starting = this.starting || this.begin().catch((error) => { this.starting = null; throw error; });
      return this.starting.then(() => this.context.state === 'running' ? undefined : this.context.resume());
    }

    async begin() {
      const {workletSource, base, destination, latencyHint} = this.given;
      this.context = this.context || new AudioContext({latencyHint});
      const {context} = this;
      if (!context.audioWorklet)
        throw new Error('This page cannot make sound: the browser gives an AudioWorklet only to a secure page (https, localhost or a file).');
      // Without waiting: where the browser holds sound back until a gesture, resume() stays open.
      if (context.state === 'suspended' && context.resume) context.resume().catch(() => {});
      if (workletSource) await this.addSource(workletSource);
      else for (const name of SCRIPTS) await context.audioWorklet.addModule(base + name);
      this.node = new AudioWorkletNode(context, 'ddsp-match-synth', {numberOfInputs: 0, outputChannelCount: [2]});
      this.node.port.onmessage = ({data}) => this.heard(data);
      this.node.onprocessorerror = () => this.tell('problem', {message: 'the synthesizer stopped: reload the page'});
      this.dry = new GainNode(context);
      this.wet = new GainNode(context, {gain: 0});
      this.room = null;
      this.master = new GainNode(context);
      this.analyser = new AnalyserNode(context, {fftSize: 2048, smoothingTimeConstant: 0.6});
      this.meter = new Float32Array(1024);
      this.node.connect(this.dry).connect(this.master);
      this.wet.connect(this.master);
      this.master.connect(this.analyser).connect(destination || context.destination);
      const knobs = Object.entries(this.knobs).filter(([name]) => name !== 'reverb');
      // The knobs first, else what was played meanwhile begins without them.
      const waiting = [...knobs.map(([name, value]) => [{type: 'knob', name, value}, []]), ...this.early];
      this.early = null;
      for (const [message, transfer] of waiting) this.node.port.postMessage(message, transfer);
      if (this.response !== undefined) this.furnish();
    }

    /** A page from the disk may not load a Blob in Chromium; a policy may forbid the other. */
    async addSource(source) {
      const {audioWorklet} = this.context;
      const data = 'data:text/javascript;charset=utf-8,' + encodeURIComponent(source);
      await audioWorklet.addModule(data).catch(async () => {
        const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
        try { await audioWorklet.addModule(url); } finally { URL.revokeObjectURL(url); }
      });
    }

    post(message, transfer = []) {
      if (this.early) this.early.push([message, transfer]);
      else this.node.port.postMessage(message, transfer);
    }

    heard(data) {
      const {type, ...detail} = data;
      if (type === 'ready' && this.loading.length) this.loading.shift()();
      this.tell(type, detail);
    }

    tell(type, detail) {
      this.dispatchEvent(new CustomEvent(type, {detail}));
      if (typeof this['on' + type] === 'function') this['on' + type](detail);
    }

    /** Another sound. Resolves when its keys can sound; before `start` at once. */
    load(voice) {
      this.panic();
      const packed = {...voice, response: null};
      const transfer = [];
      for (const name of BYTES) if (typeof voice[name] === 'string') transfer.push(packed[name] = bytesOf(voice[name]));
      this.early = this.early && this.early.filter(([message]) => message.type !== 'voice');
      const ready = this.early ? Promise.resolve() : new Promise((done) => { this.loading.push(done); });
      this.post({type: 'voice', voice: packed}, transfer);
      this.baseMidi = clamp(12 * Math.floor(Math.round(voice.root_midi) / 12), 24, 84);
      this.response = voice.response || null;
      this.hasRoom = Boolean(voice.response);
      this.knobs.reverb = this.hasRoom ? 1 : 0;
      if (this.node) this.furnish();
      return ready;
    }

    /** The room behind the synthesizer: that of the voice, which holds the direct sound too, or an invented one. */
    furnish() {
      const {context, response} = this;
      if (this.room) { this.node.disconnect(this.room); this.room.disconnect(); }
      this.room = new ConvolverNode(context, {disableNormalization: Boolean(response)});
      this.room.buffer = response ? Room.heard(context, response) : Room.invented(context);
      this.node.connect(this.room).connect(this.wet);
      this.mixRoom(0);
    }

    mixRoom(seconds = 0.02) {
      if (!this.node) return;
      const share = this.knobs.reverb, at = this.context.currentTime;
      const dry = this.hasRoom ? 1 - share : 1 - share / 3, wet = share;
      for (const [node, value] of [[this.dry, dry], [this.wet, wet]])
        if (seconds) node.gain.setTargetAtTime(value, at, seconds);
        else node.gain.value = value;
    }

    on(midi, velocity = USUAL) {
      if (!this.starting || (this.context && this.context.state === 'suspended')) this.start().catch((error) => this.tell('problem', {message: error.message}));
      this.pressed.add(midi);
      this.post({type: 'on', midi, velocity});
      this.tell('note', {midi, velocity, down: true});
    }

    off(midi) {
      if (!this.pressed.delete(midi)) return;
      this.post({type: 'off', midi});
      this.tell('note', {midi, velocity: 0, down: false});
    }

    /** Lets go of every key that is down. */
    releaseAll() {
      for (const midi of [...this.pressed]) this.off(midi);
    }

    play() { this.start().catch((error) => this.tell('problem', {message: error.message})); this.post({type: 'play'}); }
    stop() { this.post({type: 'stop'}); }
    bend(semitones) { this.post({type: 'bend', semitones}); }
    sustain(down) { this.post({type: 'sustain', down}); }
    panic() { this.releaseAll(); this.post({type: 'panic'}); }

    knob(name, value) {
      const knob = KNOBS.find((one) => one.name === name);
      if (!knob) throw new Error(`found: knob ${name}; needed: one of ${KNOBS.map((one) => one.name).join(', ')}`);
      if (knob.choices && !knob.choices.includes(value)) throw new Error(`found: ${name} ${value}; needed: ${knob.choices.join(' or ')}`);
      const set = knob.choices ? value : clamp(Number(value) || 0, knob.low, knob.high);
      this.knobs[name] = set;
      if (name === 'reverb') this.mixRoom();
      else if (name === 'vibrato_depth') this.sway();
      else if (!this.early) this.post({type: 'knob', name, value: set});
    }

    sway() {
      if (!this.early) this.post({type: 'knob', name: 'vibrato_depth', value: this.knobs.vibrato_depth + this.wheel * WHEEL_CENTS});
    }

    /** Peak of the newest 20 milliseconds. */
    level() {
      if (!this.analyser) return 0;
      this.analyser.getFloatTimeDomainData(this.meter);
      let peak = 0;
      for (const sample of this.meter) peak = Math.max(peak, Math.abs(sample));
      return peak;
    }

    /** The letters of the computer's keyboard; returns what lets go of them. */
    attachComputerKeyboard(element = document, {onOctave = null} = {}) { return Inputs.computerKeys(this, element, onOctave); }

    attachMidi() { return Inputs.midi((message) => this.midi(message)); }

    /** One MIDI message: status and two data bytes. */
    midi([status, first, second]) {
      switch (status & 0xf0) {
        case 0x90: if (second) this.on(first, second / 127); else this.off(first); break;
        case 0x80: this.off(first); break;
        case 0xe0: this.bend((((second << 7) | first) / 8192 - 1) * BEND_SEMITONES); break;
        case 0xb0:
          if (first === 1) { this.wheel = second / 127; this.sway(); }
          else if (first === 64) this.sustain(second >= 64);
          else if (first === 7 || first === 11) {
            if (first === 7) this.volume = (second / 127) ** 2; else this.expression = (second / 127) ** 2;
            if (this.node) this.master.gain.setTargetAtTime(this.volume * this.expression, this.context.currentTime, 0.01);
          } else if (first === 120 || first === 123) this.panic();
      }
    }

    async close() {
      this.panic();
      if (this.node) this.node.disconnect();
      if (this.context) await this.context.close();
      this.context = null; this.node = null; this.analyser = null; this.starting = null; this.early = [];
    }
  };
})();
