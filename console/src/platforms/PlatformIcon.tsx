import { markOf } from "./marks";

export type IconSize = "sm" | "md" | "lg";

export interface PlatformIconProps {
  /** The platform, in any case; `X` is TWITTER. */
  platform: string;
  size?: IconSize;
  /** Whether the name is said beside it already. */
  decorative?: boolean;
}

const PIXELS: Record<IconSize, number> = { sm: 18, md: 28, lg: 44 };

/** Black marks would vanish in the dark; they take the colour of the text. */
const isBlack = (colour: string) => /^#0{6}$/.test(colour);

/** A platform's mark in its brand's colour. */
export function PlatformIcon({ platform, size = "md", decorative = false }: PlatformIconProps) {
  const mark = markOf(platform);
  const pixels = PIXELS[size];
  const name = mark?.name ?? platform;
  const label = decorative ? { "aria-hidden": true as const } : { role: "img" as const, "aria-label": name };
  if (mark === null) {
    return (
      <svg width={pixels} height={pixels} viewBox="0 0 24 24" className="shrink-0" {...label}>
        <circle cx="12" cy="12" r="11" fill="none" stroke="currentColor" strokeWidth="2" />
        <path d="M8 12h8M12 8v8" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      </svg>
    );
  }
  return (
    <svg width={pixels} height={pixels} viewBox="0 0 24 24" className="shrink-0" data-platform={platform.toUpperCase()} {...label}>
      <path d={mark.path} fill={isBlack(mark.colour) ? "currentColor" : mark.colour} />
    </svg>
  );
}
