// What to set: the recommended weight decay at any learning rate, in words and as a curve.
"use strict";

(() => {
  const place = document.getElementById("setting");
  if (!place) return;
  const { data, number, colour } = atlas;
  const [network, field, answer] = ["network", "lr", "answer"].map((name) => document.getElementById(`setting-${name}`));
  const LEGEND = [
    { name: "within the tolerance", icon: "rect" },
    { name: "recommended λ", icon: "path://M0 4h16v2H0z" },
    { name: "beyond the measured η", icon: "path://M0 4h4v2H0zM6 4h4v2H6zM12 4h4v2h-4z" },
    { name: "at a measured η, with its 95 % interval", icon: "circle" },
  ];
  const { bases, sides } = data.setting;

  atlas.options(network, data.combinations.map((one) => one.label));
  const rows = () => data.recommendation[network.value];
  const { instance, draw } = atlas.chart(document.getElementById("setting-chart"), build);

  // The row at η: the measured one, else on the line through two rows on the logarithmic axes: those about it, or where
  // the law beyond the measured η is asked for, two of that law. Between two measured η lies at least one other row, and
  // where one of those has no recommendation none in that stretch has.
  function at(lr) {
    const all = rows();
    const same = all.find((row) => row.measured && Math.abs(Math.log(row.lr / lr)) < 0.005);
    if (same) return same;
    const next = all.findIndex((row) => row.lr >= lr);
    if (next < 1) return null;
    const from = next - 1 + (all[next].beyond && all[next - 1].measured) - (all[next - 1].beyond && all[next].measured);
    const [low, high] = [all[from], all[from + 1]];
    const free = low.measured ? high : low;
    if (free.wd === null || low.wd === null || high.wd === null) return { ...free, wd: null };
    const share = Math.log(lr / low.lr) / Math.log(high.lr / low.lr);
    const mix = (key) => (low[key] && high[key] ? low[key] ** (1 - share) * high[key] ** share : null);
    const band = [0, 1].map((end) =>
      low.band[end] && high.band[end] ? low.band[end] ** (1 - share) * high.band[end] ** share : null,
    );
    return { ...free, lr, wd: mix("wd"), lo: mix("lo"), hi: mix("hi"), band };
  }

  // The learning rate in the field, as people type numbers.
  function asked() {
    return Number(field.value.trim().replace(",", ".").replace("−", "-"));
  }

  function say() {
    const lr = asked();
    if (!(lr > 0)) {
      answer.textContent = "Type a learning rate greater than 0, such as 0.001 or 3e-4.";
      return;
    }
    const row = at(lr);
    if (!row || row.wd === null) {
      const why = row ? row.note : "this η is more than 10 times beyond those that were measured";
      answer.textContent = `No recommendation: ${why}.`;
    } else {
      const span = row.lo === null ? "" : ` (95 % interval ${number(row.lo, 2)} to ${number(row.hi, 2)})`;
      const strong = Object.assign(document.createElement("b"), { textContent: `λ = ${number(row.wd, 2)}` });
      const beyond = row.beyond ? " This η lies beyond those that were measured." : "";
      const note = row.measured && row.note ? ` Note: ${row.note}.` : "";
      const side = row.err ? ` ${sides[row.err]}` : "";
      answer.replaceChildren("Set ", strong, `${span}, by ${bases[row.law]}.${within(row)}${side}${beyond}${note}`);
    }
    draw();
  }

  // The band within the tolerance, in words.
  function within(row) {
    if (row.band[0] === null) return "";
    const loss = (...values) => `${values.map((value) => number(value, 2)).join(" and ")} ${data.metric.loss_unit}`.trim();
    const measured = row.measured && row.band_loss.every((value) => value !== null);
    const ends = measured ? ` (measured at the ends: ${loss(...row.band_loss)})` : "";
    return ` Between ${number(row.band[0], 2)} and ${number(row.band[1], 2)} the expected loss stays within ${loss(row.tolerance)}${ends}.`;
  }

  function build(width) {
    const all = rows();
    const known = all.filter((row) => row.wd !== null);
    const lr = asked();
    const points = (list) => list.map((row) => [row.lr, row.wd]);
    const one = data.combinations[network.value];
    return {
      grid: { left: 62, right: 16, top: width < 560 ? 56 : 34, bottom: 46 },
      legend: { top: 0, left: 0, textStyle: { color: colour("soft") }, itemWidth: 16, itemHeight: 9, data: LEGEND },
      tooltip: atlas.tooltip({
        trigger: "item",
        formatter: ({ data: [x, y] }) => `η = ${number(x)}: λ = ${number(y, 2)}`,
      }),
      xAxis: atlas.axis("learning rate η", { type: "log", nameGap: 28, ...ends(all.map((row) => row.lr)) }),
      yAxis: atlas.axis("weight decay λ", { type: "log", nameGap: 46, ...range(known) }),
      series: [
        band(stretches(all)),
        line("recommended λ", points(all.filter((row) => !row.beyond)), {}),
        ...[one.lr[0], one.lr.at(-1)].map((end) =>
          line("beyond the measured η", points(all.filter((row) => row.beyond && row.lr < end === (end === one.lr[0]))), {
            type: "dashed",
          }),
        ),
        {
          name: "at a measured η, with its 95 % interval",
          type: "scatter",
          symbolSize: 9,
          itemStyle: { color: colour("accent"), borderColor: colour("ground"), borderWidth: 1.5 },
          data: points(known.filter((row) => row.measured)),
          z: 4,
        },
        bars(known.filter((row) => row.measured && row.lo !== null && row.lo > 0)),
        ...(lr > 0 ? [{ name: "η", type: "line", data: [], markLine: mark(lr) }] : []),
      ],
    };
  }

  // The intervals' and bands' own range, where whole decades would squeeze the curve.
  function range(known) {
    const values = known.flatMap((row) => [row.wd, row.lo, row.hi, ...row.band]).filter((value) => value > 0);
    return values.length ? ends([Math.min(...values) / 1.3, Math.max(...values) * 1.3]) : {};
  }

  // The ends of an axis, moved outward to two digits, for they are written on it.
  function ends(values) {
    const toward = (value, round) => {
      const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
      return Number((round(Number((value / unit).toPrecision(12))) * unit).toPrecision(2));
    };
    return values.length ? { min: toward(Math.min(...values), Math.floor), max: toward(Math.max(...values), Math.ceil) } : {};
  }

  function bars(rows) {
    return {
      name: "at a measured η, with its 95 % interval",
      type: "custom",
      silent: true,
      encode: { x: 0, y: 1 },
      data: rows.map((row) => [row.lr, row.lo, row.hi]),
      renderItem: (params, api) => {
        const [x, low] = api.coord([api.value(0), api.value(1)]);
        const [, high] = api.coord([api.value(0), api.value(2)]);
        return { type: "line", shape: { x1: x, x2: x, y1: low, y2: high }, style: { stroke: colour("accent"), lineWidth: 1.5 } };
      },
    };
  }

  function line(name, points, style) {
    return {
      name,
      type: "line",
      showSymbol: false,
      symbolSize: 6,
      data: points,
      lineStyle: { color: colour("accent"), width: 2, ...style },
      itemStyle: { color: colour("accent") },
    };
  }

  function mark(lr) {
    return {
      symbol: "none",
      silent: true,
      precision: 12,
      label: { show: false },
      lineStyle: { color: colour("ink"), type: "solid", width: 1 },
      data: [{ xAxis: lr }],
    };
  }

  // Neighbouring rows that have a band.
  function stretches(rows) {
    const found = [[]];
    for (const row of rows) {
      if (row.band[0] > 0) found.at(-1).push(row);
      else if (found.at(-1).length) found.push([]);
    }
    return found.filter((stretch) => stretch.length > 1);
  }

  function band(parts) {
    return {
      name: "within the tolerance",
      type: "custom",
      silent: true,
      itemStyle: { color: colour("accent-band") },
      encode: { x: 0, y: 1 },
      data: parts.map(([row]) => [row.lr, row.wd]),
      clip: true,
      renderItem: (params, api) => {
        const rows = parts[params.dataIndex];
        const outline = [...rows.map((row) => [row.lr, row.band[0]]), ...rows.map((row) => [row.lr, row.band[1]]).reverse()];
        return {
          type: "polygon",
          shape: { points: outline.map((point) => api.coord(point)) },
          style: { fill: colour("accent-band") },
        };
      },
    };
  }

  network.addEventListener("change", () => {
    field.value = middle();
    say();
  });
  field.addEventListener("input", say);
  instance.getZr().on("click", (event) => {
    const [lr] = instance.convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY]);
    field.value = Number(lr.toPrecision(2));
    say();
  });

  function middle() {
    const { lr } = data.combinations[network.value];
    return lr[Math.floor(lr.length / 2)];
  }
  field.value = middle();
  say();
})();
