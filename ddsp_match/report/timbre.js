// The timbre frames: one moment's levels as bars, and that moment held for as long as one listens.
const Timbre = (() => {
  const { $, hertzWords, minus, nearest, complain } = Common;
  const LOOP_S = 2, FADE_S = 0.03;
  const LINES = 24; // sines at random frequencies that stand for the noise of a band: nobody tells them from noise

  // A loop that fits together: as many samples as whole periods of f0 take, and sines of whole numbers of cycles.
  function loopOf(context, f0Hz, partials, bands) {
    const cycles = Math.max(1, Math.round(f0Hz * LOOP_S));
    const buffer = context.createBuffer(1, Math.round((cycles * context.sampleRate) / f0Hz), context.sampleRate);
    const out = buffer.getChannelData(0), n = out.length, seconds = n / context.sampleRate;
    const sine = (turns, amplitude, phase) => {
      if (turns < 1 || turns >= n / 2) return;
      const step = (2 * Math.PI * turns) / n, twice = 2 * Math.cos(step);
      let before = amplitude * Math.sin(phase - step), now = amplitude * Math.sin(phase);
      for (let i = 0; i < n; i++) { out[i] += now; [before, now] = [now, twice * now - before]; }
    };
    for (const [harmonic, level] of partials) sine(Math.round(harmonic * cycles), level, Math.random() * 2 * Math.PI);
    for (const [low, high, level] of bands)
      for (let i = 0; i < LINES; i++) sine(Math.round((low + Math.random() * (high - low)) * seconds), level / Math.sqrt(LINES), Math.random() * 2 * Math.PI);
    return buffer;
  }

  // levels: the plot of both stems over time, under which the frames stand; view: the axis and reader of the other plot.
  function show(data, player, levels, add, clock) {
    const { timbre, spectrum } = data;
    const all = timbre.tone_db.concat(timbre.noise_db).flat();
    const top = 10 * Math.ceil((all.reduce((a, b) => Math.max(a, b), -120) + 1) / 10), floor = top - 90;
    const { y } = levels.options, curves = levels.options.lines;
    const place = (share) => y.low + share * (y.high - y.low);
    const ticks = (times, low, high, kind) => ({ x: times.flatMap((t) => [t, t, null]), y: times.flatMap(() => [place(low), place(high), null]), kind });
    const slider = $("moment"), button = $("moment-play");
    let chosen = 0, held = null, gain = null;

    const tones = (i) => timbre.harmonic.map((k, p) => [k, timbre.tone_db[i][p]]).filter(([k, db]) => db > floor && k * timbre.f0_hz[i] < spectrum.high_hz);
    const bands = (i) => timbre.noise_db[i].map((db, b) => [timbre.edges_hz[b], timbre.edges_hz[b + 1], db]).filter(([, , db]) => db > floor);
    const plot = add("moment", {
      x: new Plots.Axis({ low: spectrum.low_hz, high: spectrum.high_hz, log: true, label: "Hz", format: Common.hertz }),
      y: new Plots.Axis({ low: floor, high: top, label: "dB", format: (v) => minus(v, 0) }), height: 190,
      read: (hz) => {
        const i = chosen, places = tones(i).map(([k]) => k * timbre.f0_hz[i]);
        const tone = places.length ? tones(i)[nearest(places, hz)] : null;
        const band = bands(i).find(([low, high]) => hz >= low && hz < high);
        const words = [hertzWords(hz)];
        if (tone) words.push(`partial ${tone[0]} at ${hertzWords(tone[0] * timbre.f0_hz[i])}: ${minus(tone[1], 0)} dB`);
        if (band) words.push(`noise band ${minus(band[2], 0)} dB`);
        return words.join(", ");
      },
    });

    function choose(i) {
      chosen = i;
      const at = timbre.time_s[i], low = plot.options.y.low;
      levels.set({ lines: [
        ...curves, ticks(timbre.noise_s, 0, 0.05, "tick noise"), ticks(timbre.tone_s, 0.06, 0.11, "tick harmonic"), ticks([at], 0, 1, "chosen"),
      ] });
      plot.set({
        areas: bands(i).map(([a, b, db]) => ({ x: [a, b], y: [db, db], kind: "noise-band" })),
        lines: [{ x: tones(i).flatMap(([k]) => [k * timbre.f0_hz[i], k * timbre.f0_hz[i], null]), y: tones(i).flatMap(([, db]) => [low, db, null]), kind: "partial" }],
      });
      const words = `${clock(at)}: ${tones(i).length} partials, ${bands(i).length} noise bands`;
      slider.value = i;
      slider.setAttribute("aria-valuetext", words);
      $("moment-words").textContent = words;
      if (held) sound();
    }

    function sound() {
      const { context } = player, amplitude = (db) => 10 ** (db / 20);
      release();
      gain = context.createGain();
      gain.gain.setValueAtTime(0, context.currentTime);
      gain.gain.linearRampToValueAtTime(10 ** (player.plainDb / 20), context.currentTime + FADE_S);
      gain.connect(context.destination);
      held = context.createBufferSource();
      held.buffer = loopOf(context, timbre.f0_hz[chosen], tones(chosen).map(([k, db]) => [k, amplitude(db)]), bands(chosen).map(([a, b, db]) => [a, b, amplitude(db)]));
      held.loop = true;
      held.connect(gain);
      held.start();
      button.textContent = "Stop";
    }

    function release() {
      if (!held) return;
      gain.gain.setTargetAtTime(0, player.context.currentTime, FADE_S / 3);
      held.stop(player.context.currentTime + 2 * FADE_S);
      held = null;
      button.textContent = "Hold this moment";
    }

    async function toggle() {
      if (held) return release();
      await player.load();
      if (player.playing) player.pause();
      if (player.context.state !== "running") await player.context.resume();
      sound();
    }

    const seek = levels.options.seek;
    levels.set({ seek: (seconds) => { choose(nearest(timbre.time_s, seconds)); seek(seconds); } });
    slider.addEventListener("input", () => choose(Number(slider.value)));
    slider.addEventListener("keydown", (event) => {
      if (event.key.startsWith("Arrow")) event.stopPropagation(); // here they choose a frame, elsewhere they move the player
      if (event.key === "Enter") toggle().catch(complain);
    });
    button.addEventListener("click", () => toggle().catch(complain));
    const loudest = timbre.tone_db.map((row, i) => Math.max(-120, ...row, ...timbre.noise_db[i]));
    choose(loudest.indexOf(Math.max(...loudest)));
    return { release };
  }
  return { show, loopOf };
})();
