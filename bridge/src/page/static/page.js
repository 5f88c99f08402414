'use strict';
// The views, and what keeps them true: `api/now` at the beginning and after each gap, `events` in between, `api/energy` for what was counted.
const $ = id => document.getElementById(id);
const VIEWS = ['now', 'day', 'period', 'frame', 'state', 'setup'];
const MINUTES_S = 600, GAP_S = 30, ASK_EVERY_S = 60;
const meters = new Map();
let bridge = null, others = [], silent = [], labels = [], ranks = new Map(), meterId = null, wished = null, view = '', source = null, wait = 1000, isLive = false, isFrozen = false, clockAhead = 0;

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const key in attributes || {}) {
    const value = attributes[key];
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value); else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return element;
}
const card = (id, title, ...children) => h('section', { 'aria-labelledby': `h-${id}`, id: `card-${id}` }, h('h2', { id: `h-${id}` }, title), ...children);
const nowSeconds = () => Date.now() / 1000 + clockAhead;
const meter = () => meters.get(meterId);
const watt = watts => Math.abs(watts) < 10000 ? withUnit(watts, 'W') : withUnit(watts / 1000, 'kW', 1);
const text = (id, said) => { const element = $(id); if (element && element.textContent !== said) element.textContent = said; };
const chosen = {};

// ---- what the bridge says

async function ask(path) {
  const answer = await fetch(path, { cache: 'no-store' });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}
async function askNow() {
  const told = await ask(`api/now?lang=${LANG}`);
  clockAhead = told.time / 1000 - Date.now() / 1000;
  ({ bridge, others, silent } = told);
  const known = new Map(meters);
  meters.clear();
  for (const one of told.meters) meters.set(one.id, Object.assign(known.get(one.id) || {}, one));
  // In a group, a meter that nobody tells of is nobody's now: what is known of it is old.
  if (!bridge.member) for (const [id, one] of known) if (!meters.has(id)) meters.set(id, one);
  if (meters.has(wished)) meterId = wished;
  if (!meters.has(meterId)) meterId = told.meters.length ? told.meters[0].id : null;
  wished = wished || meterId;
  chooseMeter();
}
function listen() {
  source = new EventSource('events');
  const on = (name, handle) => source.addEventListener(name, event => { const { meter, value } = JSON.parse(event.data); handle(meter, value); });
  source.onopen = () => { wait = 1000; isLive = true; askNow().then(show, () => {}); };
  source.onerror = () => {
    isLive = false;
    tellLink();
    // A browser comes back by itself unless it was refused.
    if (source.readyState === 2) { setTimeout(listen, wait); wait = Math.min(wait * 2, 30000); }
  };
  source.addEventListener('missed', () => askNow().then(show, () => {}));
  on('power', handlePower);
  on('derived', (id, value) => change(id, { derived: value }, showDerived));
  on('availability', (id, value) => change(id, { online: value === 'online' }, show));
  on('quality', () => { if (view === 'state' || view === 'setup') askSoon(); });
  on('state', (id, value) => change(id, { state: value, last: nowSeconds() }, showFrame));
}
let soon = null;
function askSoon() { soon = soon || setTimeout(() => { soon = null; askNow().then(show, () => {}); }, 1500); }
function change(id, values, then) {
  if (!meters.has(id)) return askSoon();
  Object.assign(meters.get(id), values);
  if (id === meterId) then();
}
function handlePower(id, { power }) {
  if (!meters.has(id)) return askSoon();
  const one = meters.get(id), now = nowSeconds();
  one.power = power;
  one.last = now;
  one.online = true;
  one.minutes.push([now, power]);
  while (one.minutes.length && one.minutes[0][0] < now - MINUTES_S - GAP_S) one.minutes.shift();
  if (id === meterId && view === 'now') requestAnimationFrame(showPower);
}

// ---- what is always there

function tellLink() {
  const one = meter(), link = $('link');
  const [isWell, said] = !isLive ? [false, W.lost] : isFrozen ? [true, W.frozen] : !one ? [false, W.waiting] : !one.online ? [false, one.last ? say(W.silent, clockSeconds(one.last)) : W.waiting] : [true, W.live];
  if (link.textContent !== said) link.textContent = said;
  link.className = isWell ? '' : 'bad';
  $('silent').hidden = !silent.length;
  text('silent', silent.length ? say(W.memberSilent, silent.join(', ')) : '');
}
function chooseMeter() {
  const select = $('meter'), ids = [...meters.keys()];
  select.hidden = ids.length < 2;
  if ([...select.options].map(option => option.value).join() !== ids.join()) select.replaceChildren(...ids.map(id => h('option', { value: id }, `…${id.slice(-4)}`)));
  select.value = meterId || '';
  const title = meterId ? `${W.title} …${meterId.slice(-4)}` : 'teleinfo';
  text('title', title);
  document.title = title;
}
function go() {
  const next = location.hash.slice(2);
  view = VIEWS.includes(next) ? next : meterId || !bridge ? 'now' : 'setup';
  for (const link of $('nav').children) if (link.hash === `#/${view}`) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  $('main').className = ['now', 'period', 'state'].includes(view) ? 'two' : '';
  built = null;
  show();
}
let built = null;
// A view is built once, and again when another meter is looked at; then only what changes is written.
function show() {
  tellLink();
  if (!bridge) return;
  // The answer that the stream asked for may be here before the first one.
  if (!view) return go();
  // Who came without a wish sees the first meter as soon as there is one.
  if (!location.hash && meterId && view === 'setup') return go();
  if (!meterId && view !== 'setup' && view !== 'state') return build('none', () => [setupCard()]);
  ({ now: showNow, day: showDay, period: showPeriod, frame: showFrame, state: showState, setup: showSetup })[view]();
}
function build(name, make) {
  const key = `${name} ${meterId}`;
  if (built === key && name !== 'none') return false;
  built = key;
  $('main').replaceChildren(...make());
  return true;
}

// ---- now

function showNow() {
  const isNew = build('now', () => [
    card('power', W.power,
      h('p', { class: 'big', id: 'watts' }, '—'), h('p', { class: 'sub', id: 'direction' }), h('p', { class: 'sub', id: 'headroom' }), h('p', { class: 'bad', id: 'warning' }),
      h('figure', { id: 'minutes' }, h('figcaption', { id: 'c-minutes' })),
      h('button', { id: 'freeze', 'aria-pressed': 'false', onclick: freeze }, W.freeze)),
    card('today', W.today, h('div', { id: 'today' })),
    card('tariff', W.tariff, h('div', { id: 'tariff' })),
    card('well', W.reception, h('div', { id: 'well' })),
  ]);
  if (isNew) isFrozen = false;
  showPower();
  showDerived();
  showWell($('well'));
  askToday();
}
function freeze() {
  isFrozen = !isFrozen;
  $('freeze').setAttribute('aria-pressed', isFrozen);
  text('freeze', isFrozen ? W.unfreeze : W.freeze);
  tellLink();
  showPower();
}
function showPower() {
  const one = meter(), figure = $('minutes');
  if (!one || !figure || isFrozen) return;
  tellLink();
  const { power } = one;
  const big = power === null || power === undefined ? ['—', ''] : Math.abs(power) < 10000 ? [number(Math.abs(power)), 'W'] : [number(Math.abs(power) / 1000, 1), 'kW'];
  $('watts').replaceChildren(big[0], THIN, h('small', {}, big[1]));
  $('watts').classList.toggle('old', !one.online);
  text('direction', power === null || power === undefined ? '' : power > 0 ? W.drawn : power < 0 ? W.injected : W.none);
  const now = nowSeconds(), shown = one.minutes.filter(([at]) => at >= now - MINUTES_S), watts = shown.map(([, p]) => p);
  text('c-minutes', watts.length > 12 ? say(W.minutes, watt(Math.min(...watts)), watt(Math.max(...watts))) : W.first);
  lineChart(figure, one.minutes, now, MINUTES_S, GAP_S);
}
const colourOf = colour => ['blue', 'white', 'red'].includes(colour)
  ? h('span', { class: 'tempo' }, use(colour), W[colour]) : h('span', { class: 'tempo' }, W.unknownColour);
function use(colour) { const s = svg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true' }); s.append(svg('use', { href: `#t-${colour}` })); return s; }
function showDerived() {
  const one = meter(), d = one && one.derived;
  if (!d || view !== 'now' || !$('tariff')) return;
  text('headroom', d.headroom_va === null ? '' : say(W.headroom, withUnit(d.headroom_va / 1000, 'kVA', 1)));
  text('warning', d.cutoff_s !== null && d.cutoff_alert ? say(W.cutoff, d.cutoff_s) : d.overload ? W.overload : '');
  const rows = [
    d.tempo_today && h('p', {}, `${W.today}${COLON} `, colourOf(d.tempo_today)),
    d.tempo_tomorrow && h('p', {}, `${W.tomorrow}${COLON} `, colourOf(d.tempo_tomorrow)),
    d.tariff && h('p', { class: 'big2' }, tariffName({ tariff: d.tariff, label: d.tariff })),
    d.price && typeof d.price.now === 'number' && h('p', { class: 'sub' }, say(W.price, new Intl.NumberFormat(LOCALE, { style: 'currency', currency: 'EUR', maximumFractionDigits: 4 }).format(d.price.now))),
    d.contract && h('p', { class: 'sub' }, d.contract.toUpperCase()),
  ];
  $('tariff').replaceChildren(...rows.filter(row => row));
}
function tariffName({ tariff, label, part }) {
  if (part === 'total') return W.total;
  if (part === 'injected') return W.injectedE;
  const name = (tariff || label).toUpperCase();
  const colour = /BLEU|JB$/.test(name) ? W.blue : /BLANC|JW$/.test(name) ? W.white : /ROUGE|JR$/.test(name) ? W.red : null;
  const hours = /^BASE$|^TH$/.test(name) ? W.base : /CREUSE|HC/.test(name) ? W.offpeak : /PLEINE|HP(?!M)/.test(name) ? W.peak : null;
  return hours ? hours + (colour ? ` · ${colour}` : '') : tariff || label;
}
const isOffPeak = ({ tariff, label }) => /CREUSE|HC|^HN|EJPHN/.test((tariff || label).toUpperCase());

// ---- what was counted

const energyPath = (step, from, to, form = '') => `api/energy${form}?meter=${meterId}&step=${step}&from=${from}&to=${to}`;
const askEnergy = (step, from, to) => ask(energyPath(step, from, to));
let asking = 0;
// The newest of several questions counts.
async function freshest(questions) {
  const mine = ++asking;
  const answers = await Promise.all(questions.map(question => question.catch(() => null)));
  return mine === asking ? answers : null;
}
async function askToday() {
  const today = dayOf(nowSeconds()), answers = await freshest([askEnergy('half-hour', today, addDays(today, 1)), askEnergy('half-hour', addDays(today, -1), today)]);
  if (!answers || view !== 'now' || !$('today')) return;
  $('today').replaceChildren(...daySummary(answers[0], answers[1], today), h('figure', { id: 'halves' }, h('figcaption', { id: 'c-halves' }, W.halves)));
  if (answers[0]) barChart($('halves'), halfHours(answers[0]), hourTicks);
}
function daySummary(told, before, day) {
  if (!told || told.sum.withdrawn === null) return [h('p', {}, W.nothing)];
  const isToday = day === dayOf(nowSeconds()), now = nowSeconds();
  const isEarlier = row => row.end - before.rows[0].start <= now - told.rows[0].start;
  const earlier = (before && isToday ? before.rows.filter(isEarlier) : []).reduce((sum, row) => row.withdrawn === null ? sum : sum + row.withdrawn, 0);
  return [
    h('p', { class: 'big2' }, kwh(told.sum.withdrawn), told.sum.cost === null ? null : h('span', { class: 'sub' }, ` · ${euros(told.sum.cost)}`)),
    isToday && h('p', { class: 'sub' }, before && before.sum.withdrawn !== null ? say(W.yesterday, kwh(earlier)) : W.noYesterday),
    told.sum.injected !== null && h('p', { class: 'sub' }, `${W.injectedE}${COLON} ${kwh(told.sum.injected)}`),
  ].filter(part => part);
}
const hourTicks = (bar, i, step) => bar.hour !== null && bar.hour % (step * 2 < 9 ? 6 : 3) === 0 ? `${bar.hour}${LANG === 'fr' ? ' h' : ':00'}` : null;
function halfHours(told) {
  return told.rows.map(row => {
    const most = row.registers.map((wh, i) => [wh || 0, told.registers[i]]).filter(([, register]) => register.part === 'tariff').sort((a, b) => b[0] - a[0])[0];
    const start = clock(row.start), hour = start.endsWith('00') ? Number(start.slice(0, 2)) : null;
    const name = row.withdrawn === null ? '—' : `${withUnit(row.withdrawn / 1000, 'kWh', 2)}${row.cost === null ? '' : `, ${euros(row.cost)}`}`;
    return { up: row.withdrawn === null ? null : row.withdrawn / 1000, down: row.injected ? row.injected / 1000 : 0, kind: most && isOffPeak(most[1]) ? 'hc' : 'hp', hour, part: !row.whole, label: `${say(W.oneMachine, start, clock(row.end))}${COLON} ${name}` };
  });
}
function tariffTable(told, hasTitle = false) {
  const rows = told.registers.map((register, i) => [register, told.sum.registers[i], told.sum.costs[i]]).filter(([register, wh]) => wh !== null && (wh > 0 || register.part !== 'tariff'));
  const order = { tariff: 0, injected: 1, total: 2 };
  rows.sort((a, b) => order[a[0].part] - order[b[0].part]);
  const hasCosts = told.sum.cost !== null;
  return [
    h('table', {}, h('caption', { class: hasTitle && 'hidden' }, W.byTariff),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, W.tariff), h('th', { scope: 'col' }, W.kwh), hasCosts && h('th', { scope: 'col' }, W.cost))),
      h('tbody', {}, rows.map(([register, wh, cost]) => h('tr', {}, h('th', { scope: 'row' }, tariffName(register)), h('td', {}, number(wh / 1000, 2)), hasCosts && h('td', {}, register.part === 'total' ? euros(told.sum.cost) : cost === null ? '' : euros(cost)))))),
    h('p', { class: 'sub' }, hasCosts ? W.costNote : W.noCost),
  ];
}
function figures(rows, name) {
  return h('details', {}, h('summary', {}, W.table), h('table', {},
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, W.time), h('th', { scope: 'col' }, W.kwh), h('th', { scope: 'col' }, W.cost))),
    h('tbody', {}, rows.filter(row => row.withdrawn !== null).map(row => h('tr', {}, h('th', { scope: 'row' }, name(row)), h('td', {}, number(row.withdrawn / 1000, 2), row.whole ? '' : ' *'), h('td', {}, row.cost === null ? '' : euros(row.cost)))))), h('p', { class: 'sub' }, `* ${W.partly}`));
}

// ---- a day

function showDay() {
  const today = dayOf(nowSeconds());
  if (!chosen.day || chosen.wasToday) chosen.day = today;
  chosen.wasToday = chosen.day === today;
  const isNew = build(`day ${chosen.day}`, () => [card('day', dayName(Date.parse(chosen.day + 'T12:00:00Z') / 1000, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
    buttons(() => { chosen.day = addDays(chosen.day, -1); chosen.wasToday = false; show(); }, () => { chosen.day = addDays(chosen.day, 1); chosen.wasToday = false; show(); }, chosen.day >= today),
    h('div', { id: 'day' }), h('figure', { id: 'halves' }, h('figcaption', { id: 'c-halves' }, W.halves)), h('div', { id: 'tariffs' }))]);
  if (isNew) askDay();
}
const buttons = (before, after, isLast, ...more) => h('div', { class: 'bar-of-buttons' }, h('button', { onclick: before }, `← ${W.before}`), h('button', { onclick: after, disabled: isLast }, `${W.after} →`), ...more);
async function askDay() {
  const { day } = chosen, isOld = Date.parse(day) < (nowSeconds() - 35 * 86400) * 1000, step = isOld ? 'hour' : 'half-hour';
  const answers = await freshest([askEnergy(step, day, addDays(day, 1)), askEnergy(step, addDays(day, -1), day)]);
  if (!answers || view !== 'day' || !$('day')) return;
  const [told, before] = answers;
  $('day').replaceChildren(...daySummary(told, before, day));
  if (!told) return;
  barChart($('halves'), halfHours(told), hourTicks);
  text('c-halves', isOld ? W.hours : W.halves);
  const open = $('tariffs').querySelector('details');
  const table = figures(told.rows, row => `${clock(row.start)} – ${clock(row.end)}`);
  table.open = Boolean(open && open.open);
  $('tariffs').replaceChildren(...tariffTable(told), table, h('p', {}, h('a', { href: energyPath(step, day, addDays(day, 1), '.csv'), download: `${meterId}-${day}.csv` }, W.csv)));
}

// ---- a week, a month, a year

const PERIODS = {
  week: { step: 'day', start: monday, next: (day, n) => addDays(day, 7 * n), caption: () => W.days, tick: row => dayName(row.start + 43200, { weekday: 'short' }) },
  month: { step: 'day', start: day => day.slice(0, 7) + '-01', next: addMonths, caption: () => W.days, tick: (row, i) => (i % 5 === 0 ? String(i + 1) : null) },
  year: { step: 'month', start: day => day.slice(0, 4) + '-01-01', next: (day, n) => addMonths(day, 12 * n), caption: () => W.months, tick: row => dayName(row.start + 864000, { month: 'narrow' }) },
};
function showPeriod() {
  chosen.period = chosen.period || 'week';
  const kind = PERIODS[chosen.period], today = dayOf(nowSeconds());
  chosen.start = chosen.start || kind.start(today);
  const isNew = build(`period ${chosen.period} ${chosen.start}`, () => {
    const choose = name => h('button', { 'aria-pressed': String(chosen.period === name), onclick: () => { chosen.period = name; chosen.start = null; show(); } }, W[name]);
    const move = n => () => { chosen.start = kind.next(chosen.start, n); show(); };
    return [card('period', periodName(), h('div', { class: 'bar-of-buttons' }, choose('week'), choose('month'), choose('year')), buttons(move(-1), move(1), kind.next(chosen.start, 1) > today),
      h('div', { id: 'period' }), h('figure', { id: 'bars' }, h('figcaption', { id: 'c-bars' }, kind.caption()))), card('tariffs', W.byTariff, h('div', { id: 'tariffs' })), h('div', { id: 'calendar' })];
  });
  if (isNew) askPeriod();
}
function periodName() {
  const at = Date.parse(chosen.start + 'T12:00:00Z') / 1000;
  if (chosen.period === 'year') return chosen.start.slice(0, 4);
  if (chosen.period === 'month') return dayName(at, { month: 'long', year: 'numeric' });
  return `${dayName(at)} – ${dayName(at + 6 * 86400, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })}`;
}
async function askPeriod() {
  const kind = PERIODS[chosen.period], { start } = chosen, end = kind.next(start, 1);
  const answers = await freshest([askEnergy(kind.step, start, end), askEnergy(kind.step, kind.next(start, -1), start)]);
  if (!answers || view !== 'period' || !$('period')) return;
  const [told, before] = answers;
  const isKnown = time => Boolean(time) && time.sum.withdrawn !== null;
  if (isKnown(told)) $('period').replaceChildren(h('p', { class: 'big2' }, kwh(told.sum.withdrawn), told.sum.cost === null ? null : h('span', { class: 'sub' }, ` · ${euros(told.sum.cost)}`)), h('p', { class: 'sub' }, compared(told, before)));
  else $('period').replaceChildren(h('p', {}, W.nothing));
  // In the first minute of a week only the one before can be drawn.
  if (!told || !(isKnown(told) || isKnown(before))) return;
  const name = row => dayName(row.start + 43200, kind.step === 'month' ? { month: 'long' } : undefined);
  const bars = told.rows.map((row, i) => ({
    up: row.withdrawn === null ? null : row.withdrawn / 1000, down: row.injected ? row.injected / 1000 : 0, part: !row.whole, row, i,
    before: before && before.rows[i] && before.rows[i].withdrawn !== null ? before.rows[i].withdrawn / 1000 : null,
    label: `${name(row)}${COLON} ${kwh(row.withdrawn)}${row.cost === null ? '' : `, ${euros(row.cost)}`}`,
  }));
  barChart($('bars'), bars, bar => kind.tick(bar.row, bar.i));
  if (isKnown(told)) $('tariffs').replaceChildren(...tariffTable(told, true), figures(told.rows, name), h('p', {}, h('a', { href: energyPath(kind.step, start, end, '.csv'), download: `${meterId}-${start}.csv` }, W.csv)));
  $('calendar').replaceChildren(...tempoMonth(told));
}
// Until now, against the same part of the time before.
function compared(told, before) {
  const known = told.rows.map((row, i) => [row, before && before.rows[i]]).filter(([row, other]) => row.withdrawn !== null && row.whole && other && other.withdrawn !== null && other.whole);
  const [mine, other] = known.reduce(([a, b], [row, old]) => [a + row.withdrawn, b + old.withdrawn], [0, 0]);
  if (!other) return '';
  const percent = Math.round((mine / other - 1) * 100);
  return percent > 0 ? say(W.more, percent) : percent < 0 ? say(W.less, -percent) : W.same;
}
// The colour of a day is that of its peak hours: they all lie in one Tempo day.
function tempoColour(told, row) {
  const peaks = told.registers.map((register, i) => [(register.tariff || register.label).toUpperCase(), row.registers[i]]).filter(([name, wh]) => wh > 0 && /HP/.test(name));
  const colours = [['blue', /BLEU|JB$/], ['white', /BLANC|JW$/], ['red', /ROUGE|JR$/]];
  const found = peaks.sort((a, b) => b[1] - a[1]).map(([name]) => colours.find(([, pattern]) => pattern.test(name))).find(colour => colour);
  return found ? found[0] : null;
}
function tempoMonth(told) {
  if (told.step !== 'day') return [];
  const days = told.rows.map(row => [row, tempoColour(told, row)]);
  if (!days.some(([, colour]) => colour)) return [];
  const first = (new Date(dayOf(told.rows[0].start + 43200) + 'T12:00:00Z').getUTCDay() + 6) % 7;
  return [card('tempo', 'Tempo', h('ol', { class: 'month' }, Array.from({ length: first }, () => h('li', { 'aria-hidden': 'true' })),
    days.map(([row, colour]) => h('li', {}, dayName(row.start + 43200, { day: 'numeric' }), colour ? use(colour) : null, colour ? W[colour] : '–'))))];
}

// ---- the frame

function showFrame() {
  if (view !== 'frame') return;
  const one = meter();
  build('frame', () => [card('frame', W.frames, h('label', { for: 'filter', class: 'sub' }, W.filter), h('input', { id: 'filter', type: 'search', autocomplete: 'off', oninput: showFrame }),
    h('p', { class: 'sub', id: 'frame-age' }), h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, W.label), h('th', { scope: 'col' }, W.value))), h('tbody', { id: 'rows' })))]);
  const state = (one && one.state) || {}, rank = label => ranks.has(label) ? ranks.get(label) : 1e9, wanted = $('filter').value.trim().toLowerCase();
  text('frame-age', one && one.last ? say(W.age, clockSeconds(one.last)) : W.noFrame);
  const names = Object.keys(state).sort((a, b) => rank(a) - rank(b));
  const known = new Map([...$('rows').children].map(row => [row.id, row]));
  const rows = names.map(name => {
    const about = labels[rank(name)] || {}, { value, raw, timestamp } = state[name], meaning = about[LANG] || '';
    const said = typeof value === 'number' && about.unit ? withUnit(value, about.unit) : raw.length > 9 ? raw.trim() : String(value);
    const row = known.get(`f-${name}`) || h('tr', { id: `f-${name}` }, h('th', { scope: 'row' }, name, h('div', { class: 'sub' }, meaning)), h('td', { class: 'value' }));
    const shown = [said, timestamp ? `${dayName(Date.parse(timestamp) / 1000, { day: 'numeric', month: 'short' })} ${clock(Date.parse(timestamp) / 1000)}` : ''].filter(part => part).join(' · '), cell = row.lastChild;
    const isNew = cell.textContent !== '' && cell.textContent !== shown;
    if (cell.textContent !== shown) cell.textContent = shown;
    cell.classList.toggle('long', shown.length > 22);
    row.classList.toggle('new', isNew);
    row.hidden = wanted !== '' && !`${name} ${meaning}`.toLowerCase().includes(wanted);
    return row;
  });
  const isSame = rows.length === $('rows').children.length && rows.every((row, i) => row === $('rows').children[i]);
  if (!isSame) $('rows').replaceChildren(...rows);
}

// ---- how it is doing

function showWell(place) {
  const { quality, online, last } = meter() || {};
  const hasCause = quality && quality.cause && quality.cause !== 'none', isWell = online && quality && quality.line === 'reading' && !hasCause;
  place.replaceChildren(
    h('p', { class: isWell ? '' : 'bad' }, isWell ? W.allWell : hasCause ? quality.cause_text : W.isSilent),
    quality && quality.reception !== null ? h('p', { class: 'sub' }, `${number(quality.reception, 1)}${THIN}% ${W.good}`) : '',
    last ? h('p', { class: 'sub' }, say(W.last, clockSeconds(last))) : '');
}
function showState() {
  $('main').replaceChildren(...[...meters.values()].map(({ id, member, online, quality, last }) => card(`m-${id}`, `${W.title} ${id}`,
    h('p', { class: online ? '' : 'bad' }, online ? W.on : W.off), quality && quality.cause_text ? h('p', {}, quality.cause_text) : null, facts([
      [W.reception, quality && quality.reception !== null ? `${number(quality.reception, 1)}${THIN}%` : '—'], [W.reader, quality && quality.reader ? `${quality.reader.name} (${quality.reader.version})` : '—'],
      [W.last, last ? clockSeconds(last) : '—'], [W.framesGood, quality ? number(quality.frames_good) : '—'], [W.framesBad, quality ? number(quality.frames_damaged + quality.frames_cut) : '—'], [W.lostSamples, quality ? number(quality.samples_lost) : '—'],
      ...(member ? [[W.member, member]] : []), ...(quality ? Object.entries(quality.refused).filter(([, n]) => n > 0).map(([reason, n]) => [reason, number(n)]) : [])]))),
  ...[bridge, ...others].flatMap(bridgeCards));
}
// What a bridge says of itself; in a group, each member does.
function bridgeCards({ member, readers, version, mqtt, complaints, troubles }) {
  const [id, name] = member ? [`-${member}`, `${COLON} ${member}`] : ['', ''];
  return [card(`readers${id}`, W.readers + name, readers.length ? h('ul', {}, readers.map(line => h('li', {}, line))) : h('p', {}, W.noReader)),
    card(`bridge${id}`, W.bridge + name, facts([[W.version, version], [W.mqtt, mqtt ? W.connected : W.notConnected]]),
      complaints.length ? [h('h3', {}, W.complaints), h('ul', {}, complaints.map(line => h('li', {}, line)))] : null,
      h('h3', {}, W.counters), troubles.length ? facts(troubles.map(([name, n]) => [name, number(n)])) : h('p', {}, W.noTrouble), h('p', {}, h('a', { href: 'metrics' }, W.metrics)))];
}
const facts = rows => h('table', {}, h('tbody', {}, rows.map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, name.replace('{}', '').trim()), h('td', {}, value)))));

// ---- what to do next

const commands = lines => h('pre', { tabindex: '0' }, lines.join('\n'));
function setupCard() {
  const here = location.hostname.replace(/^\[|\]$/g, ''), host = ['localhost', '127.0.0.1', '::1'].includes(here) ? LANG === 'fr' ? 'ADRESSE-DE-CETTE-MACHINE' : 'ADDRESS-OF-THIS-MACHINE' : here;
  const all = [...meters.values()], readers = [bridge, ...others].flatMap(one => one.readers), steps = [];
  const step = (title, ...parts) => steps.push(h('li', {}, h('h3', {}, title), ...parts));
  if (!bridge.mqtt) step(W.noBroker, h('p', {}, W.noBrokerText), commands(['sudo teleinfo-bridge doctor']));
  if (!readers.length && !all.length) step(W.noReader, h('p', {}, W.noReaderText), commands(['sudo apt install teleinfo-reader', '', '# /etc/teleinfo/reader.toml', '[zenoh]', `connect = ["tcp/${host}:7447"]`, '', 'sudo systemctl restart teleinfo-reader', 'sudo teleinfo-reader doctor']));
  if (readers.length && !all.some(one => one.online)) step(all.length ? W.isSilent : W.noMeter, h('p', {}, all.length ? W.isSilentText : W.noMeterText), h('ul', {}, readers.map(line => h('li', {}, line))), h('p', {}, W.doctor), commands(['sudo teleinfo-reader doctor']));
  if (!readers.length && all.length && !all.some(one => one.online)) step(W.isSilent, h('p', {}, W.isSilentText), h('p', {}, W.doctor), commands(['sudo systemctl status teleinfo-reader', 'sudo teleinfo-reader doctor']));
  const isDone = !steps.length;
  if (['localhost', '127.0.0.1', '::1'].includes(here)) step(W.network, h('p', {}, W.networkText), commands(['# /etc/teleinfo/bridge.toml', '[page]', 'listen = "0.0.0.0:8080"', '', 'sudo systemctl restart teleinfo-bridge']));
  if (all.length && !all.some(one => one.derived && one.derived.price && typeof one.derived.price.now === 'number')) step(W.pricesStep, h('p', {}, W.pricesText), commands(['man bridge.toml']));
  step(W.ha, h('p', {}, W.haText));
  return card('setup', W.next, isDone ? h('p', {}, W.done) : '', h('ol', { class: 'steps' }, steps));
}
function showSetup() {
  const said = JSON.stringify([bridge, others, [...meters.values()].map(one => one.online)]);
  if (build(`setup ${said}`, () => [setupCard()])) return;
}

// ---- beginning

// The view as it is now: a day goes on, or the screen has another width.
function redraw() {
  show();
  if (!meterId) return;
  if (view === 'now') askToday(); else if (view === 'day') askDay(); else if (view === 'period') askPeriod(); else askSoon();
}

function start() {
  document.documentElement.lang = LANG;
  text('skip', W.skip);
  $('nav').setAttribute('aria-label', W.views);
  $('nav').replaceChildren(...VIEWS.map(name => h('a', { href: `#/${name}` }, W[name])));
  $('meter').setAttribute('aria-label', W.choose);
  $('meter').addEventListener('change', () => { wished = meterId = $('meter').value; chooseMeter(); go(); });
  addEventListener('hashchange', () => { go(); $('main').focus(); });
  // Six streams are all that a browser allows for one host: a page that nobody looks at lets its own go.
  document.addEventListener('visibilitychange', () => { if (document.hidden) { source.close(); isLive = false; } else listen(); });
  let width = innerWidth;
  addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
  setInterval(() => { tellLink(); if (view === 'now') showPower(); }, 5000);
  setInterval(() => { if (!document.hidden && isLive) redraw(); }, ASK_EVERY_S * 1000);
  setInterval(() => { if (isLive && (!meterId || view === 'setup' || view === 'state')) askSoon(); }, 5000);
  ask('api/labels').then(told => { labels = told; labels.forEach((about, i) => { if (!ranks.has(about.label)) ranks.set(about.label, i); }); showFrame(); }, () => {});
  askNow().then(go, go);
  listen();
}
start();
