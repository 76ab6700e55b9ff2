// Plays the sound files of one row at a time; switching between them keeps the position. Files beside a page opened from
// disk can be played by <audio>, but neither fetched nor sent through the Web Audio API, so levels are set by volume.
const Dock = (() => {
  const $ = (id) => document.getElementById(id);
  const MOST_DB = 24; // a faint match is not waited for further than this: the other would all but vanish

  class FilePlayer {
    constructor() {
      this.sounds = []; // [{name, label, href, lufs}]
      this.audio = new Map();
      this.current = null;
      this.playing = false;
      this.loop = true;
      this.levelled = true;
      this.turn = 0; // grows with whatever the user asks for; an answer to an earlier wish is dropped
      this.onchange = () => {};
      this.ontrouble = () => {};
    }

    // Takes another row; the same kind of sound stays chosen. Nothing is read before it is wanted.
    show(sounds) {
      const wasPlaying = this.playing;
      this.turn++;
      this.playing = false;
      for (const audio of this.audio.values()) { audio.pause(); audio.removeAttribute("src"); audio.load(); }
      this.audio.clear();
      this.sounds = sounds;
      if (!sounds.some((sound) => sound.name === this.current)) this.current = sounds.length ? sounds[0].name : null;
      this.onchange();
      return wasPlaying;
    }

    element(name) {
      if (!this.audio.has(name)) {
        const audio = new Audio();
        audio.preload = "auto";
        audio.src = this.sounds.find((sound) => sound.name === name).href;
        audio.loop = this.loop;
        audio.addEventListener("ended", () => { if (this.current === name) { this.playing = false; this.onchange(); } });
        audio.addEventListener("loadedmetadata", () => this.onchange());
        this.audio.set(name, audio);
        this.level();
      }
      return this.audio.get(name);
    }

    get active() { return this.current === null ? null : this.element(this.current); }
    position() { return this.audio.has(this.current) ? this.active.currentTime : 0; }
    duration() { return this.audio.has(this.current) && Number.isFinite(this.active.duration) ? this.active.duration : 0; }

    level() {
      const known = this.sounds.map((sound) => sound.lufs).filter((lufs) => lufs !== null && lufs !== undefined);
      const softest = Math.min(...known);
      for (const sound of this.sounds) {
        const over = this.levelled && known.length > 1 && typeof sound.lufs === "number" ? Math.min(MOST_DB, sound.lufs - softest) : 0;
        if (this.audio.has(sound.name)) this.audio.get(sound.name).volume = 10 ** (-over / 20);
      }
    }

    async play() {
      if (this.current === null) return;
      const turn = ++this.turn, audio = this.active;
      this.playing = true;
      for (const sound of this.sounds) this.element(sound.name); // so that a switch finds the other one loaded
      this.onchange();
      audio.muted = false;
      try { await audio.play(); } catch (error) { if (turn === this.turn) this.fail(error); }
      if (turn === this.turn) this.onchange();
    }

    pause() {
      this.turn++;
      this.playing = false;
      for (const audio of this.audio.values()) audio.pause();
      this.onchange();
    }

    fail(error) {
      if (error.name === "AbortError") return;
      const { href, label } = this.sounds.find((sound) => sound.name === this.current);
      this.pause();
      let read = href;
      try { read = decodeURI(href); } catch { /* not of Unicode: shown as it is */ }
      const why = error.name === "NotAllowedError" ? "the browser wants a click first" : "it is not there any more, or not of a kind that this browser plays";
      this.ontrouble(`${label} could not be played: ${why} (${read}).`);
    }

    // The other sound starts unheard where this one is, and takes over as soon as it runs: no gap, one heard at a time.
    async choose(name) {
      if (!this.sounds.some((sound) => sound.name === name)) return;
      if (name === this.current) return void this.onchange();
      const from = this.audio.get(this.current), turn = ++this.turn;
      this.current = name;
      const to = this.active;
      const position = from ? from.currentTime : 0;
      to.currentTime = Number.isFinite(to.duration) ? Math.min(position, to.duration) : position;
      this.onchange();
      if (!this.playing) return;
      to.muted = true;
      try {
        await to.play();
        if (turn !== this.turn) { if (this.current !== name) to.pause(); return; }
        for (const [other, audio] of this.audio) if (other !== name) audio.pause();
        to.muted = false;
      } catch (error) { if (turn === this.turn) { for (const audio of this.audio.values()) audio.pause(); this.fail(error); } }
      if (turn === this.turn) this.onchange();
    }

    seek(seconds) {
      if (this.current === null) return;
      this.active.currentTime = Math.min(Math.max(0, seconds), this.duration() || seconds);
      this.onchange();
    }

    setLoop(on) { this.loop = on; for (const audio of this.audio.values()) audio.loop = on; this.onchange(); }
    setLevelled(on) { this.levelled = on; this.level(); this.onchange(); }
  }

  // The bar at the foot of the page: what is chosen, and how it is played.
  class Bar {
    constructor(player, anyLevels) {
      this.player = player;
      this.row = null;
      $("level-switch").hidden = !anyLevels;
      player.onchange = () => this.show();
      player.ontrouble = (words) => { $("trouble").textContent = words; $("trouble").hidden = false; };
      $("play").addEventListener("click", () => this.toggle());
      $("loop").addEventListener("change", (event) => player.setLoop(event.target.checked));
      $("levelled").addEventListener("change", (event) => player.setLevelled(event.target.checked));
      $("seek").addEventListener("input", (event) => { this.seeking = true; $("clock").textContent = this.clock((event.target.value / 1000) * player.duration()); });
      $("seek").addEventListener("change", (event) => { this.seeking = false; player.seek((event.target.value / 1000) * player.duration()); });
      this.onchange = () => {};
    }

    // row: {id, title, facts: [[label, words]], report, sounds}; `play` names the sound to play at once.
    take(row, play = null) {
      const fresh = this.row === null || this.row.id !== row.id;
      let go = play !== null;
      if (fresh) {
        this.row = row;
        $("trouble").hidden = true;
        go = this.player.show(row.sounds) || go;
        if (play !== null) this.player.current = play;
        this.describe();
      } else if (play !== null) {
        this.player.choose(play);
        go = !this.player.playing;
      }
      if (go && row.sounds.length) this.player.play(); else this.show();
    }

    describe() {
      const { element } = Values;
      $("dock-name").textContent = this.row.title;
      $("dock-report").hidden = !this.row.report;
      if (this.row.report) $("dock-report").href = this.row.report;
      $("dock-facts").replaceChildren(...this.row.facts.map(([label, words]) => element("span", {}, element("b", {}, `${label} `), words)));
      $("dock-sources").replaceChildren(...this.row.sounds.map((sound) => {
        const button = element("button", { type: "button", "data-source": sound.name, "aria-keyshortcuts": sound.key.toUpperCase() }, element("kbd", {}, sound.key.toUpperCase()), sound.label);
        button.addEventListener("click", () => this.take(this.row, sound.name));
        return button;
      }));
      document.querySelector(".dock .transport").hidden = !this.row.sounds.length;
    }

    toggle() { if (this.player.playing) this.player.pause(); else { $("trouble").hidden = true; this.player.play(); } }
    clock(seconds) { return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`; }

    show() {
      const { player } = this, at = player.position(), length = player.duration();
      $("play").textContent = player.playing ? "Pause" : "Play";
      if (!this.seeking) $("seek").value = length ? Math.round((1000 * at) / length) : 0;
      $("seek").setAttribute("aria-valuetext", `${at.toFixed(1)} seconds`);
      $("clock").textContent = `${this.clock(at)} / ${this.clock(length)}`;
      for (const button of document.querySelectorAll("#dock-sources button")) button.setAttribute("aria-pressed", String(button.dataset.source === player.current));
      this.onchange();
      if (player.playing && !this.ticking) {
        this.ticking = true;
        requestAnimationFrame(() => { this.ticking = false; if (player.playing) this.show(); });
      }
    }

    // Keys that work wherever one is on the page, but not while typing.
    keys(event) {
      const { player } = this, key = event.key.toLowerCase();
      const sound = this.row && this.row.sounds.find((one) => one.key === key);
      if (sound) this.take(this.row, sound.name);
      else if (key === " " && !event.target.closest("button, summary, a, input, select")) this.toggle();
      else if (key === "l") { $("loop").checked = !player.loop; player.setLoop(!player.loop); }
      else if (key === "e" && !$("level-switch").hidden) { $("levelled").checked = !player.levelled; player.setLevelled(!player.levelled); }
      else if ((key === "arrowleft" || key === "arrowright") && !event.target.closest("input, select, .list")) player.seek(player.position() + (key === "arrowleft" ? -1 : 1) * Math.max(0.1, player.duration() / 20));
      else return false;
      return true;
    }
  }
  return { FilePlayer, Bar };
})();
