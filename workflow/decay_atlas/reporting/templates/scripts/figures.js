// Hover texts of the drawn figures, and every figure and chart as an SVG or PNG file.
"use strict";

(() => {
  const PNG_SCALE = 3;
  const tip = Object.assign(document.createElement("div"), { id: "tip", hidden: true });
  document.body.append(tip);

  // The browser's own hover text is slow and plain: take the texts over.
  document.querySelectorAll("svg.panel [data-mark]").forEach((mark) => {
    const title = mark.querySelector(":scope > title");
    mark.dataset.tip = title.textContent;
    title.remove();
  });

  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, room))}px`;
    tip.style.top = `${event.clientY > 60 ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18}px`;
  });

  document.querySelectorAll("figure").forEach((figure) => {
    const bar = Object.assign(document.createElement("div"), { className: "tools" });
    for (const [format, run] of [["SVG", asSvg], ["PNG", asPng]]) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: format });
      button.setAttribute("aria-label", `Download figure ${figure.dataset.name} as ${format}`);
      button.addEventListener("click", () => run(figure));
      bar.append(button);
    }
    figure.append(bar);
  });

  function source(figure) {
    const chart = figure.querySelector(".chart");
    if (chart) return { text: atlas.chartAsSvg(chart), width: chart.clientWidth, height: chart.clientHeight };
    const drawn = figure.querySelector("svg.panel");
    const [, , width, height] = drawn.getAttribute("viewBox").split(" ").map(Number);
    const copy = drawn.cloneNode(true);
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    copy.style.color = atlas.colour("ink");
    copy.style.background = atlas.colour("ground");
    return { text: new XMLSerializer().serializeToString(copy), width, height };
  }

  function asSvg(figure) {
    atlas.save(`${figure.dataset.name}.svg`, source(figure).text, "image/svg+xml");
  }

  function asPng(figure) {
    const { text, width, height } = source(figure);
    const picture = new Image();
    picture.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), {
        width: width * PNG_SCALE,
        height: height * PNG_SCALE,
      });
      const context = canvas.getContext("2d");
      context.fillStyle = atlas.colour("ground");
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => atlas.save(`${figure.dataset.name}.png`, blob, "image/png"));
    };
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }
})();
