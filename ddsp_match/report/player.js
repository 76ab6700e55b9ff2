// All sounds run side by side from the same instant; switching only moves the gains, so the position stays.
const Player = (() => {
  const FADE_S = 0.008; // long enough to hide the click of a switch, inaudible as a fade

  class Player {
    constructor(list, durationS) {
      this.list = list; // [{name, gain_db, unscale}]
      this.durationS = durationS;
      this.current = list[0].name;
      this.levelled = true;
      this.loop = true;
      this.playing = false;
      this.offsetS = 0; // position at which playing (re)started, or at which it is paused
      this.context = null;
      this.buffers = {};
      this.sources = [];
      this.onchange = () => {};
    }

    // Decodes everything on the first play: a browser gives no sound before the user asks for it.
    load() {
      if (!this.loading) {
        this.loading = this.decodeAll();
        this.loading.catch(() => { this.loading = null; }); // so that the next press tries again
      }
      return this.loading;
    }

    async decodeAll() {
      const Context = window.AudioContext || window.webkitAudioContext;
      if (!Context) throw new Error("This browser cannot play sound from a page.");
      // At the sounds' own rate nothing is resampled, and ten minutes do not fill the memory.
      try { this.context = new Context({ sampleRate: this.list[0].sample_rate }); } catch { this.context = new Context(); }
      this.gains = {};
      for (const player of this.list) {
        const text = document.getElementById("sound-" + player.name);
        if (!text) continue;
        const packed = atob(text.textContent.trim());
        const bytes = new Uint8Array(packed.length);
        for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
        this.buffers[player.name] = await new Promise((done, failed) =>
          this.context.decodeAudioData(bytes.buffer, done, failed)); // Safari before 14.1 knows only callbacks
      }
      if (this.list.some((player) => player.name === "difference")) this.subtract();
      for (const player of this.list) {
        const gain = this.context.createGain();
        gain.gain.value = this.gainOf(player);
        gain.connect(this.context.destination);
        this.gains[player.name] = gain;
      }
    }

    // Target minus match, at their own levels, made here so that the page need not carry it.
    subtract() {
      const scale = (name) => this.list.find((player) => player.name === name).unscale;
      const [a, b] = [this.buffers.target, this.buffers.match];
      const n = Math.min(a.length, b.length);
      const out = this.context.createBuffer(a.numberOfChannels, n, a.sampleRate);
      for (let channel = 0; channel < a.numberOfChannels; channel++) {
        const [x, y, z] = [a, b, out].map((buffer) => buffer.getChannelData(Math.min(channel, buffer.numberOfChannels - 1)));
        for (let i = 0; i < n; i++) z[i] = scale("target") * x[i] - scale("match") * y[i];
      }
      this.buffers.difference = out;
    }

    gainOf(player) {
      if (player.name !== this.current) return 0;
      return player.unscale * 10 ** ((this.levelled ? player.gain_db : this.plainDb) / 20);
    }

    // Without equal loudness everything still shares one gain, so that proportions are kept.
    get plainDb() { return this.list[0].gain_db; }

    position() {
      if (!this.playing) return this.offsetS;
      const gone = this.offsetS + Math.max(0, this.context.currentTime - this.startedAt);
      return this.loop ? gone % this.durationS : Math.min(gone, this.durationS);
    }

    stopSources() {
      for (const source of this.sources) { source.onended = null; source.stop(); source.disconnect(); }
      this.sources = [];
    }

    async play() {
      await this.load();
      if (this.context.state !== "running") await this.context.resume();
      this.stopSources();
      if (this.offsetS >= this.durationS - 0.005) this.offsetS = 0;
      this.startedAt = this.context.currentTime + 0.02; // all of them start at one instant of the audio clock
      for (const player of this.list) {
        const source = this.context.createBufferSource();
        source.buffer = this.buffers[player.name];
        source.loop = this.loop;
        source.loopEnd = this.durationS;
        source.connect(this.gains[player.name]);
        source.start(this.startedAt, this.offsetS);
        this.sources.push(source);
      }
      this.sources[0].onended = () => { if (!this.loop) { this.playing = false; this.offsetS = 0; this.stopSources(); this.onchange(); } };
      this.playing = true;
      this.onchange();
    }

    pause() {
      this.offsetS = this.position();
      this.playing = false;
      this.stopSources();
      this.onchange();
    }

    async seek(seconds) {
      this.offsetS = Math.min(Math.max(seconds, 0), this.durationS);
      if (this.playing) await this.play(); else this.onchange();
    }

    fade() {
      if (this.gains) {
        const now = this.context.currentTime;
        for (const player of this.list) this.gains[player.name].gain.setTargetAtTime(this.gainOf(player), now, FADE_S / 3);
      }
      this.onchange();
    }

    choose(name) { this.current = name; this.fade(); }

    setLevelled(on) { this.levelled = on; this.fade(); }

    async setLoop(on) {
      if (this.playing) this.offsetS = this.position();
      this.loop = on;
      if (this.playing) await this.play();
    }
  }
  return Player;
})();
