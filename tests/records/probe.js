// Runs in the page: measures what a reader would see, and leaves it in the outer page's title as JSON.
addEventListener("load", () => {
  const wide = innerWidth, problems = [];
  const name = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") || ""} «${element.textContent.slice(0, 60)}»`;
  const shown = (element) => element.getClientRects().length > 0;
  const all = [...document.body.querySelectorAll("*")].filter(shown);

  if (document.documentElement.scrollWidth > wide) problems.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const element of all) {
    const box = element.getBoundingClientRect();
    const scrolls = element.closest(".scroll");
    if (box.right > wide + 0.5 && !(scrolls && element !== scrolls)) problems.push(`beyond the window: ${name(element)}`);
    if (!element.closest("svg") && !element.matches("body, .scroll") && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline")
      problems.push(`overflows: ${name(element)}`);
  }
  if (wide <= 640) for (const table of document.querySelectorAll(".scroll")) if (table.scrollWidth > table.clientWidth) problems.push(`has to be scrolled on a phone: ${table.getAttribute("aria-label")}`);

  // What must stay on one line: labels, values, headings of columns, cells without a message.
  for (const element of all.filter((each) => each.matches(".tiles span, .tiles b, figcaption, .legend span, th, th small, td:not(.m), dt")))
    for (const node of element.childNodes)
      if (node.nodeType === 3) {
        const range = document.createRange();
        range.selectNodeContents(node);
        const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (tops.size > 1) problems.push(`wraps: ${name(element)}`);
      }

  for (const plot of document.querySelectorAll("svg")) {
    const frame = plot.getBoundingClientRect(), texts = [...plot.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    for (const [text, box] of texts) {
      if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5) problems.push(`leaves its plot: ${name(text)}`);
      for (const [other, its] of texts)
        if (other !== text && box.left < its.right && its.left < box.right && box.top + 3 < its.bottom && its.top + 3 < box.bottom) problems.push(`covers another text: ${name(text)}`);
    }
  }

  // The contrast of WCAG 2, which asks for 4.5.
  const light = (rgb) => rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  for (const element of all.filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))) {
    let behind = element, back;
    do { back = colour(getComputedStyle(behind).backgroundColor); behind = behind.parentElement; } while (back[3] === 0 && behind);
    const style = getComputedStyle(element), front = colour(element.closest("svg") ? style.fill : style.color);
    const [more, less] = [light(front.slice(0, 3)), light(back.slice(0, 3))].sort((a, b) => b - a);
    if ((more + 0.05) / (less + 0.05) < 4.5) problems.push(`hard to read: ${name(element)}`);
  }

  const spend = [...document.querySelectorAll("table")].filter((table) => [...table.querySelectorAll("th")].some((head) => head.firstChild.data === "Spend"));
  const seen = spend.filter((table) => [...table.querySelectorAll("th")].some((head) => head.firstChild.data === "Spend" && shown(head) && head.getBoundingClientRect().right <= wide));
  parent.document.title = JSON.stringify({ wide, dark: matchMedia("(prefers-color-scheme: dark)").matches, tables: spend.length, seen: seen.length, problems });
});
