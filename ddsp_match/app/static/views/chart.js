// Curves, drawn by uPlot in the page's colours.
import { html, useEffect, useRef } from "../lib.js";
import { colour } from "./parts.js";

/* global uPlot */
// series: [{label, tone, width, dash, scale, values}] over x; y scales by name: {name: {label, log, format, side}}
export function Chart({ x, series, scales, xLabel, label, height = 210, words }) {
  const box = useRef(), plot = useRef(null);
  const data = [x, ...series.map((one) => one.values)];
  useEffect(() => {
    const build = () => {
      plot.current?.destroy();
      const axis = { stroke: colour("quiet"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("line"), width: 1, size: 4 }, font: "11px system-ui", labelFont: "11px system-ui", labelSize: 16 };
      const first = Object.keys(scales)[0];
      plot.current = new uPlot({
        width: box.current.clientWidth || 300, height, padding: [8, 8, 0, 0],
        legend: { show: false }, cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false }, ...Object.fromEntries(Object.entries(scales).map(([name, one]) => [name, { distr: one.log ? 3 : 1, ...(one.range && { range: one.range }) }])) },
        axes: [{ ...axis, label: xLabel, size: 26, labelGap: -2 }, ...Object.entries(scales).map(([name, one]) => ({
          ...axis, scale: name, label: one.label, side: one.side === "right" ? 1 : 3, size: 52, grid: name === first ? axis.grid : { show: false },
          values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : one.format ? one.format(tick) : String(tick))),
        }))],
        series: [{}, ...series.map((one) => ({ label: one.label, stroke: colour(one.tone), width: one.width || 1.5, dash: one.dash, scale: one.scale || first, points: { show: false }, spanGaps: false }))],
      }, data, box.current);
    };
    build();
    const watch = new ResizeObserver(() => { const width = box.current?.clientWidth; if (width && plot.current && width !== plot.current.width) plot.current.setSize({ width, height }); });
    watch.observe(box.current);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", build);
    return () => { watch.disconnect(); scheme.removeEventListener("change", build); plot.current?.destroy(); plot.current = null; };
  }, [series.map((one) => one.label).join("|")]);
  useEffect(() => { plot.current?.setData(data); }, [x, series.at(-1)?.values]);
  return html`<figure class="figure"><figcaption>${label}<span class="legend">${series.map((one) => html`<span style=${{ "--tone": `var(--${one.tone})` }}><i class=${one.dash ? "dashed" : ""}></i>${one.label}</span>`)}</span></figcaption>
    <div class="chart" ref=${box} role="img" aria-label=${words || label}></div></figure>`;
}

// Logarithms on an even axis: uPlot's own axis of that kind shows whole decades only.
const log = (value) => (value > 0 ? Math.log10(value) : null);

export function Loss({ losses, height = 210 }) {
  const best = losses.length ? losses.at(-1)[2] ?? losses.at(-1)[1] : null;
  const joined = losses.some((one, i) => i && one[2] > 1.0001 * losses[i - 1][2]);
  return html`<${Chart} label="Loss: how far the match is from the target" xLabel="step" height=${height} scales=${{ y: { format: (v) => String(+(10 ** v).toPrecision(2)) } }}
    words=${best === null ? "No steps yet" : `Loss after ${losses.at(-1)[0]} steps: best ${best.toPrecision(3)}`}
    x=${losses.map((one) => one[0])} series=${[
      { label: "each step", tone: "off", width: 1, values: losses.map((one) => log(one[1])) },
      { label: "best so far", tone: "accent", width: 2.5, values: losses.map((one) => log(one[2])) }]} />
    ${joined && html`<p class="small quiet">Matched in several turns: the loss rises where the next piece of the sound, or the sound without its room, joins in.</p>`}`;
}
