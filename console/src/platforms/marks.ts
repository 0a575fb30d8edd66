import {
  siBluesky,
  siFacebook,
  siInstagram,
  siMastodon,
  siPinterest,
  siSpotify,
  siTelegram,
  siThreads,
  siTiktok,
  siWhatsapp,
  siX,
  siYoutube,
} from "simple-icons";

export interface Mark {
  name: string;
  /** The brand's colour. */
  colour: string;
  path: string;
}

const mark = (icon: { title: string; hex: string; path: string }, name = icon.title): Mark => ({
  name,
  colour: `#${icon.hex}`,
  path: icon.path,
});

/** LinkedIn's mark is no longer in simple-icons; this is the last one that was (CC0). */
const LINKEDIN =
  "M20.447 20.452h-3.554v-5.569c0-1.328-.027-3.037-1.852-3.037-1.853 0-2.136 1.445-2.136 2.939v5.667H9.351V9h3.414v1.561h.046c.477-.9 1.637-1.85 3.37-1.85 3.601 0 4.267 2.37 4.267 5.455v6.286zM5.337 7.433a2.062 2.062 0 0 1-2.063-2.065 2.064 2.064 0 1 1 2.063 2.065zm1.782 13.019H3.555V9h3.564v11.452zM22.225 0H1.771C.792 0 0 .774 0 1.729v20.542C0 23.227.792 24 1.771 24h20.451C23.2 24 24 23.227 24 22.271V1.729C24 .774 23.2 0 22.222 0h.003z";

export const MARKS: Record<string, Mark> = {
  INSTAGRAM: mark(siInstagram),
  FACEBOOK: mark(siFacebook),
  THREADS: mark(siThreads),
  TIKTOK: mark(siTiktok),
  YOUTUBE: mark(siYoutube),
  TWITTER: mark(siX, "X"),
  LINKEDIN: { name: "LinkedIn", colour: "#0A66C2", path: LINKEDIN },
  PINTEREST: mark(siPinterest),
  TELEGRAM: mark(siTelegram),
  WHATSAPP: mark(siWhatsapp),
  BLUESKY: mark(siBluesky),
  MASTODON: mark(siMastodon),
  SPOTIFY: mark(siSpotify),
};

/** The platform's mark, by any spelling of its name that the API takes. */
export function markOf(platform: string): Mark | null {
  const name = platform.trim().toUpperCase();
  return MARKS[name === "X" ? "TWITTER" : name] ?? null;
}

export const nameOf = (platform: string): string => markOf(platform)?.name ?? platform;
