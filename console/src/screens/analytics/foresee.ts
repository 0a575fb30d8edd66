import type { Foreseen, Point } from "../../api/types";
import { plural } from "../../ui/number";

type Forecast = Foreseen["forecasts"][number];

/** Whether there is anything to draw. */
export const isForeseen = (figure: Foreseen): boolean => figure.forecasts.length > 0;

/** Why there is no forecast. */
export function lacking(figure: Foreseen): string {
  switch (figure.reason) {
    case "not_offered":
      return "The platform does not offer this figure.";
    case "pending":
      return "The platform has not reported it yet.";
    case "too_little_history":
      return `${figure.daysOfHistory} of ${plural(figure.daysNeeded, "day")} of history are there.`;
    default:
      return "Nobody has measured it yet.";
  }
}

const round = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** What the forecast is worth, by what it would have said on days that are over. */
export function worth({ method, modelError, naiveError, tried }: Forecast): string {
  const times = `tried on ${plural(tried, "earlier day")}`;
  return method === "naive"
    ? `“Nothing changes”: no model did better, ${times} (off by ${round.format(naiveError)}, the model by ${round.format(modelError)}).`
    : `Off by ${round.format(modelError)} on average, ${times}; “nothing changes” by ${round.format(naiveError)}.`;
}

export interface Ahead {
  at: number;
  value: number | null;
  forecast: number | null;
  /** The interval; at present it has no width. */
  interval: [number, number] | null;
}

/** The past and what is foreseen, on one line of time. */
export function aheadOf(past: Point[], figure: Foreseen, now: number): Ahead[] {
  const known = past.flatMap(({ at, value }): Ahead[] => (value == null ? [] : [{ at: new Date(at).getTime(), value, forecast: null, interval: null }]));
  if (figure.now == null) return known;
  const present: Ahead = { at: now, value: figure.now, forecast: figure.now, interval: [figure.now, figure.now] };
  const future = figure.forecasts.map(({ at, value, low, high }): Ahead => ({ at: new Date(at).getTime(), value: null, forecast: value, interval: [low, high] }));
  return [...known.filter(({ at }) => at < now), present, ...future];
}
