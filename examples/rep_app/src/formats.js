// Numbers, money and days in the reader's way of writing them.
import { locale } from './preferences.js';
import { t } from './words.js';

const DAY = 86_400_000;

/** Return a decimal text such as "386000.00" as money, exactly; whole amounts without a fraction. */
export function money(amount, currency) {
    if (amount === null || amount === undefined || amount === '') return t('noAmount');
    const isWhole = /^-?\d+(\.0+)?$/.test(amount);
    const style = currency ? { style: 'currency', currency, currencyDisplay: 'narrowSymbol' } : {};
    return new Intl.NumberFormat(locale(), { ...style, ...(isWhole ? { maximumFractionDigits: 0 } : {}) }).format(amount);
}

/** Return what opportunities sum up to, one text per currency. For the eye: sums are rounded to whole units. */
export function sums(opportunities) {
    const byCurrency = new Map();
    for (const { amount, currency } of opportunities) {
        if (amount) byCurrency.set(currency, (byCurrency.get(currency) ?? 0) + Number(amount));
    }
    return [...byCurrency].sort((a, b) => b[1] - a[1]).map(([currency, sum]) => money(String(Math.round(sum)), currency)).join(' · ');
}

/** Return what somebody typed ("1,250,000.50") as a decimal text, null for nothing; undefined when it is no amount. */
export function readAmount(text) {
    const plain = text.replace(/[\s,，]/g, '');
    if (plain === '') return null;
    return /^\d{1,15}(\.\d{1,2})?$/.test(plain) ? plain : undefined;
}

const startOfDay = (time) => new Date(time).setHours(0, 0, 0, 0);

/** Return how many days from today a time lies; negative in the past. */
export const daysFromToday = (time) => Math.round((startOfDay(time) - startOfDay(Date.now())) / DAY);

/** Return a day: today, tomorrow, in 5 days, or its date when it is further away. */
export function day(time) {
    if (!time) return '';
    const away = daysFromToday(time.length === 10 ? `${time}T00:00` : time);
    if (Math.abs(away) <= 6) return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(away, 'day');
    const year = new Date(time).getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' };
    return new Intl.DateTimeFormat(locale(), { month: 'short', day: 'numeric', ...year }).format(new Date(time));
}

/** Return a moment: its hour when it is today, else its day and hour. */
export function moment(time) {
    const when = new Date(time);
    const hour = new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' }).format(when);
    return daysFromToday(when) === 0 ? hour : `${day(when.toISOString())} ${hour}`;
}

/** Return "foodLogistics" or "in_progress" as words; known ones in the reader's language. */
export function label(group, key) {
    if (!key) return '';
    const known = t(`${group}.${key}`);
    if (known !== `${group}.${key}`) return known;
    return key.replace(/_/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
