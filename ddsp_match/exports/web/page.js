/* The instrument page: wires the instrument, the keys, the sliders and the pictures together. */
(() => {
  const $ = (id) => document.getElementById(id);
  const read = (id) => JSON.parse($(id).textContent);
  const facts = read('facts'), workletSource = read('worklet'), voices = read('voices');
  const MAIN = ['brightness', 'noise', 'attack', 'release', 'reverb', 'level'];
  const BOTH = ['level', 'reverb']; // what also holds for the sound as it is
  const still = matchMedia('(prefers-reduced-motion: reduce)');

  /* Both instruments share one context, which loads the worklet once. Chromium lets a page from the disk load no script
     from a Blob's address, as the instrument would; from a data: address it may. */
  const context = new AudioContext({latencyHint: 'interactive'});
  const {audioWorklet} = context;
  let module = null;
  if (audioWorklet) audioWorklet.addModule = () => {
    const address = `data:text/javascript;charset=utf-8,${encodeURIComponent(workletSource)}`;
    module = module || AudioWorklet.prototype.addModule.call(audioWorklet, address);
    return module;
  };
  const keys = new Instrument({workletSource, context}); // what the keyboard plays
  const whole = new Instrument({workletSource, context}); // the sound as it is
  const picture = new PagePicture($('picture'), $('outline'), facts);
  /* What was turned is there again when the page is opened again, where the browser keeps things for pages from the disk. */
  const KEPT = `ddsp-match knobs: ${facts.name}`;
  const kept = (() => { try { return JSON.parse(localStorage.getItem(KEPT)) || {}; } catch { return {}; } })();
  const knobs = new PageKnobs((name, value) => {
    kept[name] = value;
    try { localStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* a private window keeps nothing */ }
    keys.knob(name, value);
    if (BOTH.includes(name)) whole.knob(name, value);
  });
  const ear = new AnalyserNode(context, {fftSize: 8192, smoothingTimeConstant: 0.5}); // finer than the meters'
  globalThis.ddspMatchInstrument = {keys, whole, knobs, picture, ear, sounded: 0};

  const trouble = (error) => {
    $('trouble').textContent = error.message || String(error);
    $('trouble').hidden = false;
  };
  const guarded = (promise) => Promise.resolve(promise).catch(trouble);

  /* ---- sliders: as the voice starts them, which for the reverb depends on its room ---- */
  const buildKnobs = () => {
    for (const knob of Instrument.KNOBS) {
      const start = knob.name === 'reverb' && voices.keys.response ? 1 : knob.value;
      knobs.add($(MAIN.includes(knob.name) ? 'knobs' : 'more'), knob, start);
    }
    $('reset').addEventListener('click', () => knobs.reset());
  };

  /* ---- keys ---- */
  const root = Math.round(voices.keys.root_midi);
  keys.baseMidi = Math.max(24, Math.min(84, 12 * Math.floor(root / 12)));
  const keyboard = new Keyboard($('keyboard'), {
    low: 24, high: 108, baseMidi: keys.baseMidi,
    onDown: (midi, velocity) => { wake(); keys.on(midi, velocity); },
    onUp: (midi) => keys.off(midi),
  });
  keyboard.root = root;
  const octave = (by) => {
    if (by) keys.baseMidi = Math.max(12, Math.min(96, keys.baseMidi + 12 * by));
    keyboard.baseMidi = keys.baseMidi;
    $('octave').textContent = `C${keys.baseMidi / 12 - 1}`;
  };
  keys.attachComputerKeyboard(document, {onOctave: () => octave(0)});
  $('down').addEventListener('click', () => octave(-1));
  $('up').addEventListener('click', () => octave(1));
  keys.onnote = ({midi, down}) => {
    if (down) keyboard.press(midi); else keyboard.release(midi);
    if (down) wake();
  };
  keys.onsounding = () => { globalThis.ddspMatchInstrument.sounded += 1; };
  keys.onproblem = whole.onproblem = trouble;

  $('midi').addEventListener('click', async () => {
    wake();
    try {
      const {inputs} = await keys.attachMidi();
      $('status').textContent = inputs.length ? `MIDI: ${inputs.join(', ')}` : 'MIDI is on: plug in a keyboard.';
    } catch (error) {
      $('status').textContent = error.message;
    }
  });

  /* A browser lets sound begin only where the user does something. */
  const wake = () => { guarded(keys.start()); watch(); };

  /* ---- the sound as it is ---- */
  let began = null;
  const playing = (on) => {
    $('play-shape').setAttribute('d', on ? 'M3 2h10v12H3z' : 'M3 1.5v13l11-6.5z');
    $('play-words').textContent = on ? 'Stop' : 'Hear the sound';
    began = on ? performance.now() : null;
    if (!on) { picture.progress = null; picture.drawOutline(); clock(0); }
  };
  const clock = (at) => { $('clock').textContent = `${at.toFixed(1)} / ${voices.sound.seconds.toFixed(1)} s`; };
  const toggle = async () => {
    if (began !== null) {
      whole.stop();
      playing(false);
      return;
    }
    playing(true);
    try {
      await whole.start();
      if (began === null) return;
      whole.play();
      began = performance.now();
      watch();
    } catch (error) {
      playing(false);
      trouble(error);
    }
  };
  whole.onended = () => playing(false);
  $('play').addEventListener('click', toggle);

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      keys.panic();
      if (began !== null) toggle();
    } else if (event.code === 'Space' && !event.repeat && (event.target === document.body || event.target === $('play'))) {
      event.preventDefault(); // the page would scroll, the button click a second time
      toggle();
    }
  });
  $('play').addEventListener('keyup', (event) => { if (event.code === 'Space') event.preventDefault(); });

  /* ---- what sounds now ---- */
  let watching = false, peak = 0, peakAt = 0, quiet = 0, drawn = 0;
  const width = (level) => Math.max(0, Math.min(1, 1 + 20 * Math.log10(Math.max(level, 1e-6)) / 60));
  const decibels = (level) => {
    const db = Math.round(20 * Math.log10(level));
    return db < 0 ? `−${-db}` : String(db + 0);
  };
  const look = (now) => {
    const wait = still.matches ? 200 : 30;
    if (now - drawn >= wait) {
      drawn = now;
      const level = Math.max(keys.level(), whole.level());
      if (level >= peak || now - peakAt > 1200) { peak = level; peakAt = now; }
      $('meter').style.transform = `scaleX(${width(level)})`;
      $('peak').style.left = `${100 * width(peak)}%`;
      $('peak-db').textContent = peak > 1e-3 ? `${decibels(peak)} dB` : '−∞ dB';
      $('peak').classList.toggle('hot', peak > 0.98);
      quiet = level > 1e-4 || began !== null || keys.pressed.size ? 0 : quiet + 1;
      for (const {analyser} of [keys, whole]) if (analyser) analyser.connect(ear); // again is the same
      picture.hear(quiet > 40 ? null : ear);
      if (began !== null) {
        const at = Math.min(voices.sound.seconds, (now - began) / 1000);
        picture.progress = at / voices.sound.seconds;
        picture.drawOutline();
        clock(Math.max(0, at));
      }
    }
    watching = quiet <= 60;
    if (watching) requestAnimationFrame(look);
  };
  const watch = () => {
    quiet = 0;
    if (!watching) { watching = true; requestAnimationFrame(look); }
  };

  buildKnobs();
  octave(0);
  clock(0);
  $('picture').setAttribute('aria-label', `Spectrum: ${facts.harmonics.length} partials, ${facts.root}`);
  globalThis.ddspMatchInstrument.loaded = Promise.all([guarded(keys.load(voices.keys)), guarded(whole.load(voices.sound))])
    .then(() => { for (const [name, value] of Object.entries(kept)) if (knobs.named(name)) knobs.set(knobs.named(name), value); });
})();
