'use strict';
// What the page says, in both languages, and how it writes numbers, times and money. `W` holds the words of the language that the browser asks for.
const WORDS = {
  en: {
    title: 'Meter', skip: 'To the content', views: 'Views', choose: 'Meter',
    now: 'Now', day: 'Day', period: 'Period', frame: 'Frame', state: 'State', setup: 'Set-up',
    live: 'live', lost: 'connection lost, trying again', waiting: 'waiting for a meter', silent: 'no frame since {}',
    frozen: 'frozen', freeze: 'Freeze', unfreeze: 'Go on',
    power: 'Power now', drawn: 'drawn from the grid', injected: 'injected into the grid', none: 'nothing flows',
    minutes: 'Last ten minutes: from {} to {}', first: 'The first minutes: the curve grows from the right', headroom: 'Left before a cut-off: {}',
    overload: 'More is drawn than subscribed', cutoff: 'A cut-off is possible in {} s',
    tariff: 'Tariff', price: '{} per kWh now', today: 'Today', tomorrow: 'Tomorrow', yesterday: 'Yesterday at this time: {}', noYesterday: 'No yesterday yet.',
    unknownColour: 'not announced yet', blue: 'Blue', white: 'White', red: 'Red',
    offpeak: 'Off-peak hours', peak: 'Peak hours', base: 'All hours', injectedE: 'Injected', withdrawn: 'Drawn', total: 'Total',
    halves: 'By half hour, in kWh; pale bars are off-peak hours', hours: 'By hour, in kWh', days: 'By day, in kWh; the line is the time before', months: 'By month, in kWh; the line is the year before',
    byTariff: 'By tariff', kwh: 'kWh', cost: 'Cost', noCost: 'Costs are shown once prices are in bridge.toml.', costNote: 'Energy only, without the subscription.',
    table: 'The figures', time: 'Time', before: 'Before', after: 'After', csv: 'Export (CSV)', partly: 'partly known', nothing: 'Nothing is known of this time.',
    week: 'Week', month: 'Month', year: 'Year', more: '{} % more than the time before', less: '{} % less than the time before', same: 'As much as the time before', calendar: 'Tempo days of this season',
    label: 'Label', meaning: 'Meaning', value: 'Value', filter: 'Show only', frames: 'What the meter says, label by label', age: 'of {}', noFrame: 'No frame yet.',
    reception: 'Reception', good: 'good frames', allWell: 'All is well.', reader: 'Reader', readers: 'Readers', meters: 'Meters', bridge: 'The bridge', version: 'Version', mqtt: 'MQTT', connected: 'connected', notConnected: 'not connected',
    counters: 'What went wrong since the start', noTrouble: 'Nothing went wrong since the start.', on: 'is read', off: 'is not read', last: 'last frame {}', framesGood: 'Good frames', framesBad: 'Damaged or cut frames', lostSamples: 'Samples lost for good', metrics: 'Metrics for Prometheus',
    complaints: 'What somebody should know',
    next: 'What to do next', done: 'Everything runs. Nothing is left to do.',
    noReader: 'No reader was seen yet', noReaderText: 'On the machine beside the meter, install the reader and tell it where this bridge is:',
    noMeter: 'A reader is there, but no meter is read', noMeterText: 'The reader says:', doctor: 'On the machine of the reader, this finds the cause:',
    noBroker: 'The MQTT broker is not there', noBrokerText: 'Until it is back, nothing new is shown or published. On the machine of the bridge, this finds the cause:',
    isSilent: 'The meter is silent', isSilentText: 'Nothing is read of it any more. What it said last is grey.',
    ha: 'Home Assistant', haText: 'Not needed for this page. In Home Assistant, add the integration “MQTT” with the address of this machine; meters then appear by themselves.',
    network: 'Look at this page from another machine', networkText: 'In bridge.toml, then restart the bridge. Anybody on the network can then look, and nobody can change anything:',
    pricesStep: 'Costs', pricesText: 'Prices in bridge.toml show what each hour costs:',
    oneMachine: 'from {} to {}', member: 'Published by', memberSilent: '{} does not answer: its meters are missing here',
  },
  fr: {
    title: 'Compteur', skip: 'Aller au contenu', views: 'Vues', choose: 'Compteur',
    now: 'Maintenant', day: 'Jour', period: 'Période', frame: 'Trame', state: 'État', setup: 'Installation',
    live: 'en direct', lost: 'connexion perdue, nouvel essai', waiting: 'en attente d’un compteur', silent: 'aucune trame depuis {}',
    frozen: 'figé', freeze: 'Figer', unfreeze: 'Reprendre',
    power: 'Puissance maintenant', drawn: 'soutirée du réseau', injected: 'injectée dans le réseau', none: 'rien ne circule',
    minutes: 'Dix dernières minutes : de {} à {}', first: 'Premières minutes : la courbe grandit depuis la droite', headroom: 'Disponible avant coupure : {}',
    overload: 'La puissance souscrite est dépassée', cutoff: 'Coupure possible dans {} s',
    tariff: 'Tarif', price: '{} le kWh en ce moment', today: 'Aujourd’hui', tomorrow: 'Demain', yesterday: 'Hier à la même heure : {}', noYesterday: 'Pas encore d’hier.',
    unknownColour: 'pas encore annoncée', blue: 'Bleu', white: 'Blanc', red: 'Rouge',
    offpeak: 'Heures creuses', peak: 'Heures pleines', base: 'Toutes heures', injectedE: 'Injecté', withdrawn: 'Soutiré', total: 'Total',
    halves: 'Par demi-heure, en kWh ; les barres pâles sont les heures creuses', hours: 'Par heure, en kWh', days: 'Par jour, en kWh ; le trait est la période d’avant', months: 'Par mois, en kWh ; le trait est l’année d’avant',
    byTariff: 'Par tarif', kwh: 'kWh', cost: 'Coût', noCost: 'Les coûts s’affichent une fois les prix dans bridge.toml.', costNote: 'Énergie seule, abonnement non compris.',
    table: 'Les chiffres', time: 'Heure', before: 'Avant', after: 'Après', csv: 'Exporter (CSV)', partly: 'connu en partie', nothing: 'Rien n’est connu de ce moment.',
    week: 'Semaine', month: 'Mois', year: 'Année', more: '{} % de plus que la période d’avant', less: '{} % de moins que la période d’avant', same: 'Autant que la période d’avant', calendar: 'Jours Tempo de cette saison',
    label: 'Étiquette', meaning: 'Signification', value: 'Valeur', filter: 'N’afficher que', frames: 'Ce que dit le compteur, étiquette par étiquette', age: 'de {}', noFrame: 'Pas encore de trame.',
    reception: 'Réception', good: 'de trames bonnes', allWell: 'Tout va bien.', reader: 'Lecteur', readers: 'Lecteurs', meters: 'Compteurs', bridge: 'La passerelle', version: 'Version', mqtt: 'MQTT', connected: 'relié', notConnected: 'non relié',
    counters: 'Ce qui n’allait pas depuis le démarrage', noTrouble: 'Rien n’a manqué depuis le démarrage.', on: 'est lu', off: 'n’est pas lu', last: 'dernière trame {}', framesGood: 'Trames bonnes', framesBad: 'Trames abîmées ou coupées', lostSamples: 'Relevés perdus pour de bon', metrics: 'Mesures pour Prometheus',
    complaints: 'Ce qu’il faut savoir',
    next: 'Que faire maintenant', done: 'Tout fonctionne. Il ne reste rien à faire.',
    noReader: 'Aucun lecteur vu', noReaderText: 'Sur la machine près du compteur, installez le lecteur et dites-lui où est cette passerelle :',
    noMeter: 'Un lecteur est là, mais aucun compteur n’est lu', noMeterText: 'Le lecteur dit :', doctor: 'Sur la machine du lecteur, ceci trouve la cause :',
    noBroker: 'Le broker MQTT n’est pas là', noBrokerText: 'Jusqu’à son retour, rien de nouveau n’est affiché ni publié. Sur la machine de la passerelle, ceci trouve la cause :',
    isSilent: 'Le compteur est muet', isSilentText: 'Il n’est plus lu. Ce qu’il a dit en dernier est en gris.',
    ha: 'Home Assistant', haText: 'Cette page n’en a pas besoin. Dans Home Assistant, ajoutez l’intégration « MQTT » avec l’adresse de cette machine ; les compteurs y apparaissent d’eux-mêmes.',
    network: 'Regarder cette page depuis une autre machine', networkText: 'Dans bridge.toml, puis redémarrez la passerelle. Chacun sur le réseau peut alors regarder, et personne ne peut rien changer :',
    pricesStep: 'Coûts', pricesText: 'Des prix dans bridge.toml montrent ce que coûte chaque heure :',
    oneMachine: 'de {} à {}', member: 'Publié par', memberSilent: '{} ne répond pas : ses compteurs manquent ici',
  },
};
const asked = new URLSearchParams(location.search).get('lang') || (navigator.languages || []).map(l => l.slice(0, 2)).find(l => WORDS[l]);
const LANG = WORDS[asked] ? asked : 'en', W = WORDS[LANG], LOCALE = LANG === 'fr' ? 'fr-FR' : 'en-GB', ZONE = 'Europe/Paris';
const THIN = '\u202f', COLON = LANG === 'fr' ? '\u00a0:' : ':';
const say = (text, ...values) => values.reduce((said, value) => said.replace('{}', value), text);
const number = (value, digits = 0) => new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
const withUnit = (value, unit, digits) => number(value, digits) + THIN + unit;
const kwh = wh => wh === null || wh === undefined ? '—' : withUnit(wh / 1000, 'kWh', Math.abs(wh) < 100000 ? 1 : 0);
const euros = value => value === null || value === undefined ? '—' : new Intl.NumberFormat(LOCALE, { style: 'currency', currency: 'EUR' }).format(value);
const clock = seconds => new Intl.DateTimeFormat(LOCALE, { timeZone: ZONE, hour: '2-digit', minute: '2-digit' }).format(seconds * 1000);
const clockSeconds = seconds => new Intl.DateTimeFormat(LOCALE, { timeZone: ZONE, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(seconds * 1000);
const dayName = (seconds, options) => new Intl.DateTimeFormat(LOCALE, { timeZone: ZONE, ...(options || { weekday: 'short', day: 'numeric', month: 'short' }) }).format(seconds * 1000);
// The day of the meter, as 2026-11-29.
const dayOf = seconds => new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE }).format(seconds * 1000);
// Days of the calendar, whatever hours they have.
const addDays = (day, n) => { const d = new Date(day + 'T12:00:00Z'); d.setUTCDate(d.getUTCDate() + n); return d.toISOString().slice(0, 10); };
const addMonths = (day, n) => { const d = new Date(day.slice(0, 7) + '-01T12:00:00Z'); d.setUTCMonth(d.getUTCMonth() + n); return d.toISOString().slice(0, 10); };
const monday = day => addDays(day, -((new Date(day + 'T12:00:00Z').getUTCDay() + 6) % 7));
