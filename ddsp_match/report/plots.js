// Axes, curves and colour bars as SVG over the pictures; redrawn when the width changes.
const Plots = (() => {
  const NS = "http://www.w3.org/2000/svg";
  const RIGHT = 58, TOP = 6, BOTTOM = 24;

  function draw(parent, tag, attributes, text) {
    const node = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  }

  function niceTicks(low, high, wanted) {
    const rough = (high - low) / Math.max(1, wanted);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.75);
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(+(k * step).toPrecision(12));
    return ticks;
  }

  // 1, 2, 5 in each decade; where an axis spans less than that shows, plain steps do better.
  function logTicks(low, high, wanted) {
    const ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
      for (const m of [1, 2, 5]) { const t = m * 10 ** e; if (t >= low * 0.999 && t <= high * 1.001) ticks.push(+t.toPrecision(6)); }
    if (ticks.length < 3) return niceTicks(low, high, wanted);
    const decades = ticks.filter((t) => /^1(e|0*$)|^0\.0*1$/.test(String(t)));
    return ticks.length > 2.2 * wanted && decades.length > 1 ? decades : ticks;
  }

  class Axis {
    // Nothing to show, a lone point or equal values leave no range: one is made around them, for a coordinate is always finite.
    constructor({ low, high, log = false, label = "", format = String, ticks = null }) {
      if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = log ? [1, 10] : [0, 1];
      if (log && high <= 0) [low, high] = [1, 10];
      if (log && low <= 0) low = high / 1000;
      if (low >= high) [low, high] = log ? [low / 2, low * 2] : [low - (Math.abs(low) / 2 || 0.5), low + (Math.abs(low) / 2 || 0.5)];
      Object.assign(this, { low, high, log, label, format, ticks });
    }
    share(v) {
      const share = this.log ? Math.log(v / this.low) / Math.log(this.high / this.low) : (v - this.low) / (this.high - this.low);
      return Number.isFinite(share) ? share : v > this.high ? 1 : 0;
    }
    value(share) {
      return this.log ? this.low * (this.high / this.low) ** share : this.low + share * (this.high - this.low);
    }
    marks(wanted) {
      if (this.ticks) return this.ticks;
      return this.log ? logTicks(this.low, this.high, wanted) : niceTicks(this.low, this.high, wanted);
    }
  }

  let serial = 0;
  class Plot {
    constructor(figure, options) {
      this.figure = figure;
      this.stage = figure.querySelector(".stage");
      this.readout = figure.querySelector(".readout");
      this.options = options; // x, y, right (a second y axis), height, image, lines, areas, bands, bar, notes, seek, read
      this.id = "plot" + serial++;
      this.images = [...this.stage.querySelectorAll("img")];
      if (this.images.length) {
        this.clip = document.createElement("div");
        this.clip.className = "clip";
        this.clip.append(...this.images);
        this.stage.append(this.clip);
      }
      this.svg = draw(this.stage, "svg", { "aria-hidden": "true", class: options.seek ? "seekable" : "" });
      this.svg.addEventListener("pointermove", (event) => this.point(event));
      this.svg.addEventListener("pointerleave", () => this.leave());
      if (options.seek) this.svg.addEventListener("click", (event) => this.seek(event));
      this.render();
    }

    set(options) { Object.assign(this.options, options); this.render(); }
    px(v) { return this.left + this.options.x.share(v) * this.width; }
    py(v, axis = this.options.y) { return TOP + (1 - axis.share(v)) * this.height; }

    render() {
      const { x, y, height } = this.options;
      const outer = this.stage.clientWidth;
      const small = outer < 520;
      this.left = small ? 46 : 62;
      const right = small ? 46 : RIGHT;
      this.width = Math.max(40, outer - this.left - right);
      this.height = small ? Math.round(height * 0.8) : height;
      this.stage.style.height = `${this.height + TOP + BOTTOM}px`;
      this.svg.replaceChildren();
      this.grid(x, y, small);
      this.placeImage();
      this.content();
      if (this.options.bar) this.colourBar(right);
      if (this.options.right) this.rightAxis(this.options.right);
      if (this.options.notes) for (const [v, name] of this.options.notes) draw(this.svg, "text", { x: this.left + this.width + 6, y: this.py(v) + 4 }, name);
      this.cross = draw(this.svg, "line", { class: "cross", y1: TOP, y2: TOP + this.height, visibility: "hidden" });
      if (this.options.seek) {
        this.head = draw(this.svg, "line", { class: "playhead", y1: TOP - 3, y2: TOP + this.height + 3 });
        this.moveHead(this.headS || 0);
      }
    }

    grid(x, y, small) {
      const bottom = TOP + this.height;
      for (const v of x.marks(this.width / 90)) {
        const px = this.px(v);
        if (!this.images.length) draw(this.svg, "line", { class: "grid", x1: px, x2: px, y1: TOP, y2: bottom });
        draw(this.svg, "line", { class: "axis", x1: px, x2: px, y1: bottom, y2: bottom + 4 });
        draw(this.svg, "text", { x: px, y: bottom + 17, "text-anchor": "middle" }, x.format(v));
      }
      draw(this.svg, "text", { class: "axis-name", x: this.left + this.width + (small ? 16 : 22), y: bottom + 17 }, x.label);
      for (const v of y.marks(this.height / 34)) {
        const py = this.py(v);
        if (!this.images.length) draw(this.svg, "line", { class: "grid", x1: this.left, x2: this.left + this.width, y1: py, y2: py });
        draw(this.svg, "line", { class: "axis", x1: this.left - 4, x2: this.left, y1: py, y2: py });
        draw(this.svg, "text", { x: this.left - 7, y: py + 4, "text-anchor": "end" }, y.format(v));
      }
      draw(this.svg, "text", { class: "axis-name", "text-anchor": "middle", transform: `translate(${small ? 8 : 11} ${TOP + this.height / 2}) rotate(-90)` }, y.label);
      draw(this.svg, "rect", { class: "axis", x: this.left, y: TOP, width: this.width, height: this.height });
      const clip = draw(draw(this.svg, "defs", {}), "clipPath", { id: this.id });
      draw(clip, "rect", { x: this.left, y: TOP, width: this.width, height: this.height });
    }

    placeImage() {
      if (!this.clip) return;
      const place = (node, box) => { for (const [key, value] of Object.entries(box)) node.style[key] = `${value}px`; };
      place(this.clip, { left: this.left, top: TOP, width: this.width, height: this.height });
      const { x0, x1, y0, y1, shown } = this.options.image;
      for (const image of this.images) {
        image.hidden = shown ? image.dataset.scale !== shown : false;
        const [left, right, low, high] = [this.px(x0), this.px(x1), this.py(y0), this.py(y1)];
        place(image, { left: left - this.left, top: high - TOP, width: right - left, height: low - high });
        image.classList.toggle("grain", Boolean(this.options.grain));
      }
    }

    content() {
      const inside = draw(this.svg, "g", { "clip-path": `url(#${this.id})` });
      for (const [a, b] of this.options.bands || []) draw(inside, "rect", { class: "doubt", x: this.px(a), width: Math.max(1.5, this.px(b) - this.px(a)), y: TOP, height: this.height });
      for (const area of this.options.areas || []) {
        const points = area.x.map((v, i) => `${this.px(v).toFixed(1)} ${this.py(area.y[i]).toFixed(1)}`);
        draw(inside, "path", { class: `area ${area.kind}`, d: `M${this.px(area.x[0])} ${TOP + this.height}L${points.join("L")}L${this.px(area.x[area.x.length - 1])} ${TOP + this.height}Z` });
      }
      for (const line of this.options.lines || []) {
        const path = [];
        let open = false;
        for (let i = 0; i < line.x.length; i++) {
          if (!Number.isFinite(line.x[i]) || !Number.isFinite(line.y[i])) { open = false; continue; }
          path.push(`${open ? "L" : "M"}${this.px(line.x[i]).toFixed(1)} ${this.py(line.y[i], line.axis).toFixed(1)}`);
          open = true;
        }
        if (path.length) draw(inside, "path", { class: line.kind, d: path.join("") });
        if (path.length === 1) {
          const lone = line.y.findIndex((v, i) => Number.isFinite(v) && Number.isFinite(line.x[i]));
          draw(inside, "circle", { class: "dot", cx: this.px(line.x[lone]), cy: this.py(line.y[lone], line.axis), r: 3 });
        }
      }
    }

    rightAxis(axis) {
      const x = this.left + this.width;
      for (const v of axis.marks(this.height / 34)) {
        const y = this.py(v, axis);
        draw(this.svg, "line", { class: "axis", x1: x, x2: x + 4, y1: y, y2: y });
        if (y > TOP + 19) draw(this.svg, "text", { x: x + 7, y: y + 4 }, axis.format(v));
      }
      draw(this.svg, "text", { class: "axis-name", x: x + 7, y: TOP + 9 }, axis.label);
    }

    colourBar(right) {
      const { low, high, stops } = this.options.bar;
      const x = this.left + this.width + 8;
      const fade = draw(this.svg.querySelector("defs"), "linearGradient", { id: this.id + "bar", x1: 0, x2: 0, y1: 1, y2: 0 });
      stops.forEach((colour, i) => draw(fade, "stop", { offset: i / (stops.length - 1), "stop-color": colour }));
      draw(this.svg, "rect", { x, y: TOP, width: 9, height: this.height, fill: `url(#${this.id}bar)` });
      const axis = new Axis({ low, high });
      for (const v of axis.marks(Math.min(6, (this.height - 20) / 30))) {
        const y = TOP + (1 - axis.share(v)) * this.height;
        if (y > TOP + 19) draw(this.svg, "text", { x: x + 13, y: Math.min(y + 4, TOP + this.height) }, String(v).replace("-", "−"));
      }
      draw(this.svg, "text", { x: x + 13, y: TOP + 9 }, "dB");
    }

    // The value of a picture is read back from its colour.
    imageDb(shareX, shareY) {
      const image = this.images.find((one) => !one.hidden);
      const { low, high, palette } = this.options.bar;
      if (!image.pixels) {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        const brush = canvas.getContext("2d", { willReadFrequently: true });
        brush.drawImage(image, 0, 0);
        image.pixels = brush.getImageData(0, 0, canvas.width, canvas.height);
      }
      const { width, height, data } = image.pixels;
      const column = Math.min(width - 1, Math.max(0, Math.floor(shareX * width)));
      const row = Math.min(height - 1, Math.max(0, Math.floor((1 - shareY) * height)));
      const at = 4 * (row * width + column);
      const index = palette.get((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
      return index === undefined ? null : low + (index / 255) * (high - low);
    }

    point(event) {
      const box = this.svg.getBoundingClientRect();
      const [px, py] = [event.clientX - box.left, event.clientY - box.top];
      const [sx, sy] = [(px - this.left) / this.width, 1 - (py - TOP) / this.height];
      if (sx < 0 || sx > 1) return this.leave();
      this.cross.setAttribute("visibility", "visible");
      this.cross.setAttribute("x1", px);
      this.cross.setAttribute("x2", px);
      if (!this.options.read) return;
      const [x, y] = [this.options.x.value(sx), this.options.y.value(Math.min(1, Math.max(0, sy)))];
      let db = null;
      if (this.images.length) {
        const { x0, x1, y0, y1 } = this.options.image;
        const inY = (this.options.y.share(y) - this.options.y.share(y0)) / (this.options.y.share(y1) - this.options.y.share(y0));
        db = this.imageDb((x - x0) / (x1 - x0), inY);
      }
      this.readout.textContent = this.options.read(x, y, db);
    }

    leave() {
      this.cross.setAttribute("visibility", "hidden");
      this.readout.textContent = "";
    }

    seek(event) {
      const share = (event.clientX - this.svg.getBoundingClientRect().left - this.left) / this.width;
      this.options.seek(this.options.x.value(Math.min(1, Math.max(0, share))));
    }

    moveHead(seconds) {
      this.headS = seconds;
      const px = this.px(seconds);
      this.head.setAttribute("x1", px);
      this.head.setAttribute("x2", px);
    }
  }
  return { Axis, Plot };
})();
