// What all charts of the page share: the data, colours that follow the page, numbers, files, and the chart registry.
"use strict";

const atlas = (() => {
  const data = JSON.parse(document.getElementById("atlas-data").textContent);
  const charts = [];
  // Double quotes would end the attribute of a saved SVG that the font stands in.
  const FONT = getComputedStyle(document.body).fontFamily.replaceAll('"', "'");
  document.documentElement.classList.add("live");

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  // A number to some significant digits, with a true minus sign, as the rest of the page prints it.
  function number(value, digits = 3) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    const plain = value === 0 || (size >= 1e-3 && size < 1e5);
    const text = plain
      ? String(Number(value.toPrecision(digits)))
      : value.toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
    return text.replaceAll("-", "−");
  }

  function withUnit(value, digits) {
    return data.metric.unit && value !== null ? `${number(value, digits)} ${data.metric.unit}` : number(value, digits);
  }

  function save(name, content, type) {
    const link = document.createElement("a");
    link.download = `${data.study}-${name}`;
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // `build(width)` gives the option of a chart; it is asked again when the page's colours or width change.
  function chart(node, build, { canvas = false } = {}) {
    const entry = { node, build, instance: echarts.init(node, null, { renderer: canvas ? "canvas" : "svg" }) };
    charts.push(entry);
    new ResizeObserver(() => {
      entry.instance.resize();
      draw(entry);
    }).observe(node);
    return { instance: entry.instance, draw: () => draw(entry) };
  }

  function draw(entry) {
    entry.instance.setOption(
      {
        animation: false,
        aria: { enabled: false },
        textStyle: { fontFamily: FONT, color: colour("ink") },
        ...entry.build(entry.node.clientWidth),
      },
      { notMerge: true },
    );
  }

  // The chart in a node as SVG text, whatever it is drawn with on the page.
  function chartAsSvg(node) {
    const entry = charts.find((one) => one.node === node);
    const size = { width: node.clientWidth, height: node.clientHeight };
    const copy = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
    copy.setOption({ ...entry.instance.getOption(), backgroundColor: colour("ground") });
    const text = copy.renderToSVGString();
    copy.dispose();
    return text;
  }

  function axis(name, more = {}) {
    return {
      name,
      nameLocation: "middle",
      axisLine: { show: true, lineStyle: { color: colour("faint") } },
      axisTick: { lineStyle: { color: colour("faint") } },
      axisLabel: { color: colour("soft"), formatter: (value) => number(value), hideOverlap: true },
      nameTextStyle: { color: colour("ink") },
      splitLine: { lineStyle: { color: colour("line") } },
      minorTick: { show: false },
      ...more,
    };
  }

  function tooltip(more) {
    return {
      backgroundColor: colour("panel"),
      borderColor: colour("line"),
      textStyle: { color: colour("ink"), fontSize: 12 },
      confine: true,
      ...more,
    };
  }

  // Viridis, cut where it would be too bright for a white page and too dark for a black one.
  const SHADES = ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39"];
  function shade(share) {
    const place = Math.min(Math.max(share, 0), 1) * (SHADES.length - 1);
    const low = Math.min(Math.floor(place), SHADES.length - 2);
    return echarts.color.lerp(place - low, [SHADES[low], SHADES[low + 1]]);
  }

  function options(select, texts, chosen = 0) {
    select.replaceChildren(...texts.map((text, value) => new Option(text, value, false, value === chosen)));
  }

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach(draw));
  return { data, colour, number, withUnit, save, chart, chartAsSvg, axis, tooltip, SHADES, shade, options };
})();
