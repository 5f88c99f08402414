'use strict';
// Charts as SVG: a line of the last minutes, bars of periods. Their text keeps its size, since their width is that of the screen.
const NS = 'http://www.w3.org/2000/svg';
function svg(name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return element;
}
const widthOf = figure => Math.max(260, Math.min(1160, figure.clientWidth || 300));
// A round number that is not less than this.
function round(value) {
  const unit = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 2.5, 5, 10].map(step => step * unit).find(step => step >= value);
}
// Points are [second, watts]; where more than `gap` seconds lie between two, there is no line. `now` is at the right edge.
function lineChart(figure, points, now, seconds, gap) {
  const w = widthOf(figure), h = 110, from = now - seconds, shown = points.filter(([at]) => at >= from);
  const watts = shown.map(([, p]) => p), low = Math.min(0, ...watts), high = round(Math.max(100, ...watts));
  const x = at => ((at - from) / seconds * w).toFixed(1), y = p => (h - 4 - (p - low) / (high - low) * (h - 20)).toFixed(1);
  let line = '', area = '', start = null, last = null;
  const close = () => { if (start !== null) area += `V${y(0)}H${x(start)}Z`; };
  for (const [at, p] of shown) {
    if (last === null || at - last > gap) { close(); line += `M${x(at)} ${y(p)}`; area += `M${x(at)} ${y(p)}`; start = at; } else { line += `H${x(at)}V${y(p)}`; area += `H${x(at)}V${y(p)}`; }
    last = at;
  }
  if (last !== null && now - last <= gap) { line += `H${w}`; area += `H${w}`; }
  close();
  const chart = svg('svg', { viewBox: `0 0 ${w} ${h}`, height: h, role: 'img' });
  chart.append(svg('path', { class: 'area', d: area || 'M0 0' }), svg('line', { class: 'axis', x1: 0, x2: w, y1: y(0), y2: y(0) }), svg('path', { class: 'line', d: line || 'M0 0' }),
    svg('text', { class: 'tick', x: 0, y: 11 }, watt(high)));
  return put(figure, chart);
}
// Bars are { up, down, kind, label, part, before }, in kWh; a bar that is null is a hole. `ticks` says which have their name written.
function barChart(figure, bars, ticks) {
  const w = widthOf(figure), h = 150, bottom = 18, left = 34, n = bars.length || 1, step = (w - left) / n;
  const ups = bars.flatMap(bar => [bar.up || 0, bar.before || 0]), downs = bars.map(bar => bar.down || 0);
  const high = round(Math.max(.1, ...ups)), low = Math.max(...downs, 0) ? round(Math.max(...downs)) : 0;
  const y = value => h - bottom - (value + low) / (high + low) * (h - bottom - 12);
  const chart = svg('svg', { viewBox: `0 0 ${w} ${h}`, height: h, role: 'img' });
  for (const at of low ? [-low, 0, high] : [0, high / 2, high]) {
    chart.append(svg('line', { class: 'axis', x1: left, x2: w, y1: y(at), y2: y(at), 'stroke-opacity': at ? .35 : 1 }), svg('text', { class: 'tick', x: 0, y: y(at) + 4 }, number(at, high < 2 ? 2 : high < 20 ? 1 : 0)));
  }
  let before = '';
  bars.forEach((bar, i) => {
    const x = left + i * step, width = Math.max(1, step - (step > 6 ? 2 : .6));
    const draw = (value, kind, top) => { const r = svg('rect', { class: `bar ${kind}${bar.part ? ' part' : ''}`, x: x.toFixed(1), width: width.toFixed(1), y: top.toFixed(1), height: Math.max(0, value).toFixed(1) }); r.append(svg('title', {}, bar.label)); chart.append(r); };
    if (bar.up !== null && bar.up !== undefined) draw(y(0) - y(bar.up), bar.kind || 'hp', y(bar.up));
    if (bar.down) draw(y(-bar.down) - y(0), 'export', y(0));
    if (bar.before !== null && bar.before !== undefined) before += `M${x.toFixed(1)} ${y(bar.before).toFixed(1)}h${width.toFixed(1)}`;
    const tick = ticks(bar, i, step);
    if (tick) chart.append(svg('text', { class: 'tick', x: Math.min(w - 14, x + step / 2).toFixed(1), y: h - 4, 'text-anchor': 'middle' }, tick));
  });
  if (before) chart.append(svg('path', { class: 'before', d: before }));
  return put(figure, chart);
}
function put(figure, chart) {
  const old = figure.querySelector('svg'), caption = figure.querySelector('figcaption');
  if (caption && caption.id) chart.setAttribute('aria-labelledby', caption.id);
  if (old) old.replaceWith(chart); else figure.prepend(chart);
  return chart;
}
