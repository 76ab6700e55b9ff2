/* The pictures of the instrument page: the spectrum that was found with the one that sounds, and the level in time. */
class PagePicture {
  constructor(canvas, outline, facts) {
    this.canvas = canvas;
    this.outline = outline;
    this.facts = facts;
    const lowest = Math.min(...facts.harmonics.map((pair) => pair[0]), 300);
    this.low = Math.max(30, lowest * 0.6);
    this.high = Math.min(20000, facts.nyquist_hz);
    const peaks = [...facts.harmonics, ...facts.noise].map((pair) => pair[1]);
    this.top = (peaks.length ? Math.max(...peaks) : 0) + 6;
    this.span = 84;
    this.live = null;
    this.progress = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
    new ResizeObserver(() => this.drawOutline()).observe(outline);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.draw(); this.drawOutline(); });
  }

  x(hz, width) {
    return Math.log(hz / this.low) / Math.log(this.high / this.low) * width;
  }

  y(db, height) {
    return Math.max(0, Math.min(1, (this.top - db) / this.span)) * height;
  }

  /* A context in CSS pixels, cleared. */
  static fresh(canvas) {
    const {clientWidth: width, clientHeight: height} = canvas;
    const scale = globalThis.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = canvas.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    return {pen, width, height};
  }

  colour(name) {
    return getComputedStyle(this.canvas).getPropertyValue(name).trim();
  }

  draw() {
    const {pen, width, height} = PagePicture.fresh(this.canvas);
    if (!width) return;
    const floor = height - 22;
    this._axis(pen, width, floor);
    this._noise(pen, width, floor);
    this._harmonics(pen, width, floor);
    if (this.live) this._sounding(pen, width, floor);
  }

  _axis(pen, width, floor) {
    pen.font = '11px system-ui, sans-serif';
    pen.textAlign = 'center';
    pen.lineWidth = 1;
    for (const hz of [50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000]) {
      if (hz > this.high || hz < this.low) continue;
      const x = Math.round(this.x(hz, width)) + 0.5;
      pen.strokeStyle = this.colour('--screen-grid');
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, floor);
      pen.stroke();
      if (width < 520 && [50, 200, 2000, 20000].includes(hz)) continue;
      pen.fillStyle = this.colour('--screen-quiet');
      pen.fillText(hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`, Math.max(18, Math.min(width - 22, x)), floor + 16);
    }
  }

  _noise(pen, width, floor) {
    const points = this.facts.noise;
    if (!points.length) return;
    pen.beginPath();
    pen.moveTo(0, floor);
    pen.lineTo(0, this.y((points.find((pair) => pair[0] >= this.low) || points[0])[1], floor));
    for (const [hz, db] of points) if (hz >= this.low) pen.lineTo(this.x(hz, width), this.y(db, floor));
    pen.lineTo(this.x(points[points.length - 1][0], width), floor);
    pen.closePath();
    pen.fillStyle = this.colour('--screen-noise');
    pen.globalAlpha = 0.28;
    pen.fill();
    pen.globalAlpha = 1;
  }

  _harmonics(pen, width, floor) {
    pen.strokeStyle = pen.fillStyle = this.colour('--screen-harmonic');
    for (const [hz, db] of this.facts.harmonics) {
      if (hz < this.low || hz > this.high) continue;
      const x = this.x(hz, width), y = this.y(db, floor);
      if (y >= floor) continue;
      const weight = 0.35 + 0.65 * (1 - y / floor);
      pen.globalAlpha = weight;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.moveTo(x, floor);
      pen.lineTo(x, y);
      pen.stroke();
      pen.beginPath();
      pen.arc(x, y, 2 + 1.5 * weight, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  /* The newest spectrum of an AnalyserNode. */
  _sounding(pen, width, floor) {
    const {bins, rate} = this.live;
    const step = rate / 2 / bins.length;
    pen.beginPath();
    let first = true;
    for (let x = 0; x <= width; x += 2) {
      const hz = this.low * (this.high / this.low) ** (x / width);
      const next = this.low * (this.high / this.low) ** ((x + 2) / width);
      let peak = -200;
      const from = Math.floor(hz / step), to = Math.max(from + 1, Math.ceil(next / step));
      for (let k = from; k < to && k < bins.length; k++) peak = Math.max(peak, bins[k]);
      const y = this.y(peak + 6, floor);
      if (first) pen.moveTo(x, y); else pen.lineTo(x, y);
      first = false;
    }
    pen.strokeStyle = this.colour('--screen-live');
    pen.lineWidth = 1.5;
    pen.lineJoin = 'round';
    pen.stroke();
  }

  /* Shows what an AnalyserNode hears, or nothing any more. */
  hear(analyser) {
    if (!analyser) {
      if (this.live) { this.live = null; this.draw(); }
      return;
    }
    if (!this.live || this.live.bins.length !== analyser.frequencyBinCount) {
      this.live = {bins: new Float32Array(analyser.frequencyBinCount), rate: analyser.context.sampleRate};
    }
    analyser.getFloatFrequencyData(this.live.bins);
    this.draw();
  }

  drawOutline() {
    const {pen, width, height} = PagePicture.fresh(this.outline);
    const heights = this.facts.outline;
    if (!width || !heights.length) return;
    const bar = Math.max(2, Math.floor(width / heights.length));
    const count = Math.floor(width / (bar + 1));
    for (let k = 0; k < count; k++) {
      const share = heights[Math.floor(k / count * heights.length)];
      const tall = Math.max(2, share ** 1.6 * height);
      const past = this.progress !== null && k / count <= this.progress;
      pen.fillStyle = this.colour(past ? '--screen-live' : '--screen-line');
      pen.fillRect(k * (bar + 1), (height - tall) / 2, bar, tall);
    }
  }
}
globalThis.PagePicture = PagePicture;
