// Runs in a report's page; its value is what `report_check.rs` reads.
(() => {
  const problems = [];
  const say = (text) => { if (problems.length < 50) problems.push(text); };
  const root = document.documentElement;
  const describe = (element) => {
    const text = (element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 60);
    return `<${element.localName}${element.className && element.className.baseVal === undefined ? "." + element.className : ""}> “${text}”`;
  };
  const shown = (element) => element.getClientRects().length > 0;
  if (root.scrollWidth > root.clientWidth) {
    say(`the page is ${root.scrollWidth} pixels wide, and the window ${root.clientWidth}`);
  }
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg") && element.localName !== "svg" || !shown(element)) continue;
    const box = element.getBoundingClientRect();
    if (box.right > root.clientWidth + 0.5 || box.left < -0.5) say(`runs out of the page: ${describe(element)}`);
    if (element.localName !== "svg" && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) {
      say(`is cut or scrolls sideways: ${describe(element)}`);
    }
    if (element.scrollHeight > element.clientHeight + 2 && /auto|scroll|hidden/.test(getComputedStyle(element).overflowY)
      && element.clientHeight > 0) {
      say(`is cut or scrolls: ${describe(element)}`);
    }
  }
  // Texts in a picture: inside it, and not over each other.
  for (const svg of document.querySelectorAll("svg")) {
    if (!shown(svg)) continue;
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    for (const [text, box] of texts) {
      if (box.left < frame.left - 1 || box.right > frame.right + 1) say(`runs out of its picture: ${describe(text)}`);
    }
    for (let i = 0; i < texts.length; i++) {
      for (let j = i + 1; j < texts.length; j++) {
        const [a, b] = [texts[i][1], texts[j][1]];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 4) say(`lies over another text: ${describe(texts[i][0])} and ${describe(texts[j][0])}`);
      }
    }
    const smallest = Math.min(...texts.map(([text]) => parseFloat(getComputedStyle(text).fontSize)));
    const size = smallest * frame.width / svg.viewBox.baseVal.width;
    if (size < 8) say(`text in a picture is ${size.toFixed(1)} pixels high`);
  }
  // Contrast of text with the background that it stands on (WCAG 2, level AA).
  const parse = (color) => (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (color) => {
    const [r, g, b] = color.slice(0, 3).map((c) => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg") || !shown(element)) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(background(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) say(`contrast is only ${contrast.toFixed(1)}: ${describe(element)}`);
    if (element.textContent.includes("`") && element.children.length === 0) say(`raw backtick: ${describe(element)}`);
  }
  const files = [];
  for (const link of document.querySelectorAll("a[href]")) {
    const href = link.getAttribute("href");
    if (href.startsWith("#")) {
      if (!document.getElementById(decodeURIComponent(href.slice(1)))) say(`link to ${href}: there is no such place`);
    } else if (link.protocol === "file:") {
      files.push(link.href);
    } else {
      say(`leaves the report: ${href}`);
    }
  }
  for (const element of document.querySelectorAll("[src], link[href]")) {
    say(`needs another file: ${describe(element)}`);
  }
  return { problems, files, background: getComputedStyle(document.body).backgroundColor };
})()
