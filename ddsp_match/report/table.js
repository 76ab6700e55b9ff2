// A table that is sorted by its headers and draws only the rows one sees, so that ten thousand are as quick as ten.
const Table = (() => {
  const { element } = Values;
  const SPARE = 8; // rows drawn beyond either edge

  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const known = (v) => v !== null && v !== undefined && !Number.isNaN(v);

  class Table {
    // columns: [{key, label, unit, tip, worst: 1 | -1 | 0, value(row), words(row), share(row)?}]; the first heads the rows.
    constructor(root, { columns, count, searched, buttons, report, mark, onselect, onsort }) {
      Object.assign(this, { root, columns, count, mark, onselect, onsort });
      this.buttons = buttons || (() => []);
      this.report = report || (() => null);
      this.searched = Array.from({ length: count }, (_, row) => searched(row).toLowerCase());
      this.order = Array.from({ length: count }, (_, row) => row);
      this.selected = null;
      this.accepts = () => true;
      this.text = "";
      this.drawn = new Map();
      this.ranks = new Map();
      this.table = element("table", { "aria-rowcount": String(count + 1) });
      this.head = element("thead");
      this.body = element("tbody");
      this.above = this.spacer();
      this.below = this.spacer();
      this.table.append(this.head, this.body);
      root.replaceChildren(this.table);
      this.heads();
      root.addEventListener("scroll", () => this.render(), { passive: true });
      let width = 0;
      new ResizeObserver(() => {
        if (width !== root.clientWidth) { width = root.clientWidth; this.showSorted(); }
        this.render();
      }).observe(root);
    }

    spacer() { return element("tr", { "aria-hidden": "true", class: "spacer" }, element("td", { colspan: String(this.columns.length) })); }

    heads() {
      const row = element("tr", { "aria-rowindex": "1" });
      for (const column of this.columns) {
        const button = element("button", { type: "button", "data-key": column.key, "data-tip": column.tip || null }, column.label);
        if (column.unit) button.append(element("small", {}, ` ${column.unit}`));
        button.append(element("span", { class: "arrow", "aria-hidden": "true" }));
        button.addEventListener("click", () => this.press(column));
        row.append(element("th", { scope: "col", class: column.value ? "number" : "words" }, button));
      }
      this.head.replaceChildren(row);
    }

    // A first press shows the worst first (or A to Z, or the largest), a second one turns it over.
    press(column) {
      const turned = this.sorted === column.key ? !this.turned : false;
      this.sort(column.key, turned);
      if (this.onsort) this.onsort(column, turned);
    }

    sort(key, turned = false) {
      this.sorted = key;
      this.turned = turned;
      this.arrange();
    }

    get direction() {
      const column = this.columns.find((one) => one.key === this.sorted);
      const first = column.value ? (column.worst < 0 ? 1 : -1) : 1; // 1 rises
      return this.turned ? -first : first;
    }

    arrange() {
      const column = this.columns.find((one) => one.key === this.sorted);
      const terms = this.text.toLowerCase().split(/\s+/).filter(Boolean);
      const rows = [];
      for (let row = 0; row < this.count; row++) if (this.accepts(row) && terms.every((term) => this.searched[row].includes(term))) rows.push(row);
      const sign = this.direction;
      if (column.value) {
        // What has no figure comes last, either way round: infinity less infinity is not a number, and the order stays.
        const keys = new Float64Array(this.count);
        for (const row of rows) { const v = column.value(row); keys[row] = known(v) ? sign * v : Infinity; }
        rows.sort((a, b) => keys[a] - keys[b] || a - b);
      } else rows.sort((a, b) => sign * (this.rank(column)[a] - this.rank(column)[b]) || a - b);
      this.order = rows;
      this.place = new Map(rows.map((row, index) => [row, index]));
      for (const [index, th] of [...this.head.firstChild.children].entries()) {
        if (this.columns[index].key === this.sorted) th.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        else th.removeAttribute("aria-sort");
      }
      this.table.setAttribute("aria-rowcount", String(rows.length + 1));
      this.redraw();
    }

    // The places of all rows in the order of a column of words; comparing words is slow, so it is done once.
    rank(column) {
      if (!this.ranks.has(column.key)) {
        const places = new Map([...new Set(Array.from({ length: this.count }, (_, row) => column.words(row)))].sort(collator.compare).map((words, place) => [words, place]));
        this.ranks.set(column.key, Array.from({ length: this.count }, (_, row) => places.get(column.words(row))));
      }
      return this.ranks.get(column.key);
    }

    redraw() { this.drawn.clear(); this.render(); }

    get height() { return parseFloat(getComputedStyle(this.root).getPropertyValue("--row")) || 40; }

    render() {
      const tall = this.height, top = this.root.scrollTop;
      const first = Math.max(0, Math.floor(top / tall) - SPARE);
      const last = Math.min(this.order.length, Math.ceil((top + this.root.clientHeight) / tall) + SPARE);
      const rows = [];
      const kept = new Map();
      for (let index = first; index < last; index++) {
        const row = this.order[index];
        const line = this.drawn.get(row) || this.line(row);
        line.setAttribute("aria-rowindex", String(index + 2));
        kept.set(row, line);
        rows.push(line);
      }
      this.drawn = kept;
      this.above.firstChild.style.height = `${first * tall}px`;
      this.below.firstChild.style.height = `${(this.order.length - last) * tall}px`;
      const wanted = [this.above, ...rows, this.below];
      const now = [...this.body.children];
      // Rows that stay are left where they are, or the focus of a button in them would be lost.
      if (wanted.length !== now.length || wanted.some((line, index) => line !== now[index])) {
        const stay = new Set(wanted);
        for (const line of now) if (!stay.has(line)) line.remove();
        let next = this.body.firstChild;
        for (const line of wanted) { if (line === next) next = next.nextSibling; else this.body.insertBefore(line, next); }
      }
      if (this.mark) this.mark();
    }

    line(row) {
      const line = element("tr", { "data-row": String(row), "aria-current": String(row === this.selected) });
      for (const [index, column] of this.columns.entries()) {
        const words = column.words(row);
        const cell = index === 0 ? element("th", { scope: "row" }) : element("td", { class: column.value ? "number" : "words" });
        if (index === 0) {
          const inner = element("div", { class: "lead" }, ...this.buttons(row), element("span", { class: "name", title: words }, words));
          if (column.badge && column.badge(row)) inner.append(element("span", { class: `badge ${column.badge(row)}` }, column.badge(row)));
          const report = this.report(row);
          if (report) inner.append(element("a", { class: "own-report", href: report, "aria-label": `Report of ${words}` }, "Report"));
          cell.append(inner);
        } else cell.append(column.value ? words : element("span", { class: "name", title: words }, words));
        if (column.key === this.sorted && column.share) {
          const share = column.share(row);
          if (share !== null) { cell.classList.add("measured"); cell.style.setProperty("--share", share.toFixed(3)); }
        }
        line.append(cell);
      }
      line.addEventListener("click", (event) => { if (!event.target.closest("button, a")) this.select(row, { told: true }); });
      return line;
    }

    select(row, { told = false, scroll = true } = {}) {
      const before = this.drawn.get(this.selected);
      if (before) before.setAttribute("aria-current", "false");
      this.selected = row;
      if (scroll) this.reveal(row);
      const line = this.drawn.get(row);
      if (line) line.setAttribute("aria-current", "true");
      if (told && this.onselect) this.onselect(row);
    }

    reveal(row) {
      const index = this.place.get(row);
      if (index === undefined) return;
      const head = this.head.offsetHeight, tall = this.height;
      const top = index * tall, bottom = top + tall + head;
      if (top < this.root.scrollTop) this.root.scrollTop = top;
      else if (bottom > this.root.scrollTop + this.root.clientHeight) this.root.scrollTop = bottom - this.root.clientHeight;
      this.render();
    }

    step(by) {
      if (!this.order.length) return;
      const now = this.place.get(this.selected);
      const index = now === undefined ? 0 : Math.min(this.order.length - 1, Math.max(0, now + by));
      this.select(this.order[index], { told: true });
      this.root.scrollIntoView({ block: "nearest" });
    }

    filter({ text = this.text, accepts = this.accepts }) {
      this.text = text;
      this.accepts = accepts;
      this.root.scrollTop = 0;
      this.arrange();
    }

    // Brings the sorted column into view where the table is wider than the screen.
    showSorted() {
      const cell = this.head.querySelector("[aria-sort]");
      const lead = this.head.querySelector("th").offsetWidth;
      if (!cell || cell === this.head.querySelector("th")) return;
      const left = cell.offsetLeft - lead, right = cell.offsetLeft + cell.offsetWidth;
      if (left < this.root.scrollLeft || right > this.root.scrollLeft + this.root.clientWidth) this.root.scrollLeft = Math.min(left, Math.max(0, cell.offsetLeft + cell.offsetWidth - this.root.clientWidth));
    }
  }
  return Table;
})();
