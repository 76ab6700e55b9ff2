// What the pages share: numbers in words, axes of time, colour bars, and the player with its buttons and keys.
const Common = (() => {
  const $ = (id) => document.getElementById(id);
  const hertz = (v) => (v >= 1000 ? `${+(v / 1000).toFixed(2)}k` : String(+v.toPrecision(4)));
  const hertzWords = (v) => (v >= 1000 ? `${+(v / 1000).toFixed(2)} kHz` : `${+v.toPrecision(4)} Hz`);
  const minus = (v, digits = 1) => v.toFixed(digits).replace("-", "−");

  function complain(error) {
    $("trouble").textContent = `The sound could not be played: ${error.message || error}`;
    $("trouble").hidden = false;
  }

  function bar(scale) {
    const palette = new Map(scale.colours.map((colour, i) => [parseInt(colour, 16), i]));
    const stops = scale.colours.filter((_, i) => i % 17 === 0).map((colour) => `#${colour}`);
    return { low: scale.low_db, high: scale.high_db, stops, palette };
  }

  const nearest = (times, x) => {
    let low = 0, high = times.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= x) low = middle; else high = middle; }
    return Math.abs(times[high] - x) < Math.abs(times[low] - x) ? high : low;
  };

  // Time axes of a minute or more are marked at times a clock would show.
  function timeAxis(durationS) {
    const short = durationS < 60;
    const step = [10, 20, 30, 60, 120, 300, 600].find((s) => durationS / s <= 8) || 1200;
    return {
      clock: (v) => (short ? `${v.toFixed(2)} s` : `${Math.floor(v / 60)}:${(v % 60).toFixed(1).padStart(4, "0")}`),
      axis: new Plots.Axis({
        low: 0, high: durationS, label: short ? "s" : "",
        format: (v) => (short ? String(v) : `${Math.floor(v / 60)}:${String(Math.round(v % 60)).padStart(2, "0")}`),
        ticks: short ? null : Array.from({ length: Math.floor(durationS / step) + 1 }, (_, k) => k * step),
      }),
    };
  }

  // Adds plots to the figures of their names; a click in one with time on its axis goes there.
  const adder = (Kind, player, time, plots) => (name, options) => {
    const figure = document.querySelector(`figure[data-plot="${name}"]`);
    if (!figure) return null;
    const seek = options.x === time ? (seconds) => player.seek(seconds).catch(complain) : null;
    const plot = new Kind(figure, { ...options, seek });
    plots.push(plot);
    return plot;
  };

  // A spectrogram as the switch for linear frequency wants it, and what a place in it is.
  function spectrumView(spectrum) {
    const linear = $("linear").checked;
    const low = linear ? 0 : spectrum.low_hz;
    return {
      y: new Plots.Axis({ low, high: spectrum.high_hz, log: !linear, label: "Hz", format: hertz }),
      image: { x0: spectrum.first_s, x1: spectrum.last_s, y0: low, y1: spectrum.high_hz, shown: linear ? "linear" : "log" },
    };
  }
  const spectrumReader = (clock) => (x, y, db) => `${clock(x)}, ${hertzWords(y)}${db === null ? "" : `, ${minus(db, 0)} dB`}`;

  // Buttons, keys, seek bar and clock of a player; `plots` with time on their axis follow it.
  function attach(player, data, plots, clock) {
    const buttons = [...document.querySelectorAll("[data-source]")];
    function gainWords() {
      const chosen = data.players.find((one) => one.name === player.current);
      if (!player.levelled) return `${chosen.label} plays at its own level.`;
      if (chosen.silent) return `${chosen.label} is silent.`;
      const db = chosen.gain_db - data.players[0].gain_db;
      if (chosen.name === "target") return "All sounds are played as loud as the target.";
      return `${chosen.label} is played ${Math.abs(db) < 0.05 ? "at its own level" : `${minus(Math.abs(db))} dB ${db > 0 ? "louder" : "softer"} than it is`}${chosen.limited ? ", and still softer than the target" : ", as loud as the target"}.`;
    }
    let seeking = false;
    function show() {
      const at = player.position();
      if (!seeking) $("seek").value = Math.round((1000 * at) / data.duration_s);
      $("seek").setAttribute("aria-valuetext", `${at.toFixed(2)} seconds`);
      $("clock").textContent = `${clock(at)} / ${clock(data.duration_s)}`;
      for (const plot of plots) if (plot.head) plot.moveHead(at);
    }
    let ticking = false;
    function tick() { show(); ticking = player.playing; if (ticking) requestAnimationFrame(tick); }
    player.onchange = () => {
      $("play").textContent = player.playing ? "Pause" : "Play";
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.source === player.current));
      $("gain-words").textContent = gainWords();
      if (ticking) show(); else tick();
    };
    const toggle = () => { if (player.playing) player.pause(); else player.play().catch(complain); };
    const loop = (on) => { $("loop").checked = on; player.setLoop(on).catch(complain); };
    const level = (on) => { $("levelled").checked = on; player.setLevelled(on); };
    buttons.forEach((button) => button.addEventListener("click", () => player.choose(button.dataset.source)));
    // After a click with the mouse the space bar should play, not press the same button again.
    document.querySelector("main").addEventListener("click", (event) => { if (event.detail > 0 && event.target.matches("button, input[type=checkbox]")) event.target.blur(); });
    $("play").addEventListener("click", toggle);
    $("loop").addEventListener("change", (event) => loop(event.target.checked));
    $("levelled").addEventListener("change", (event) => level(event.target.checked));
    $("seek").addEventListener("input", (event) => { seeking = true; $("clock").textContent = clock((event.target.value / 1000) * data.duration_s); });
    $("seek").addEventListener("change", (event) => { seeking = false; player.seek((event.target.value / 1000) * data.duration_s).catch(complain); });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const inside = event.target.closest("button, summary, a, input[type=checkbox], pre");
      const number = Number(event.key);
      if (number >= 1 && number <= buttons.length) player.choose(buttons[number - 1].dataset.source);
      else if (event.key === " " && !inside) toggle();
      else if (event.key.toLowerCase() === "l") loop(!player.loop);
      else if (event.key.toLowerCase() === "e") level(!player.levelled);
      else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !inside) player.seek(player.position() + (event.key === "ArrowLeft" ? -1 : 1) * Math.max(0.1, data.duration_s / 40)).catch(complain);
      else return;
      event.preventDefault();
    });
    new ResizeObserver(() => plots.forEach((plot) => plot.render())).observe(document.querySelector("main"));
    player.onchange();
  }

  return { $, hertz, hertzWords, minus, complain, bar, nearest, timeAxis, adder, spectrumView, spectrumReader, attach };
})();
