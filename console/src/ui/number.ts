const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const full = new Intl.NumberFormat("en");

export const compact = (value: number): string => (Math.abs(value) < 10_000 ? full.format(value) : short.format(value));
export const exact = (value: number): string => full.format(value);
export const plural = (n: number, one: string, many = `${one}s`): string => `${full.format(n)} ${n === 1 ? one : many}`;
