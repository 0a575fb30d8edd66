import { Bookmark, Film, FileText, Heart, MessageCircle, Play, Repeat2, Send, Share2, ThumbsUp } from "lucide-react";
import { type ReactNode, useState } from "react";

import type { Connection } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { kindOf } from "./Media";

interface Props {
  connection: Connection;
  text: string;
  media: string[];
  options: Record<string, unknown>;
}

/** A post as it will look, in the platform's own shape. */
export function Preview(props: Props) {
  const { platform } = props.connection;
  const Shape =
    platform === "INSTAGRAM" ? Instagram : platform === "TIKTOK" ? Tall : platform === "YOUTUBE" ? Wide : platform === "TELEGRAM" ? Bubble : Feed;
  return (
    <figure className="grid gap-2" aria-label={`Preview on ${nameOf(platform)}`}>
      <figcaption className="flex items-center gap-2 text-[0.75rem] font-medium text-soft">
        <PlatformIcon platform={platform} size="sm" decorative />
        {nameOf(platform)} · {props.connection.handle}
      </figcaption>
      <div className="overflow-hidden rounded-xl border border-line bg-surface">
        <Shape {...props} />
      </div>
    </figure>
  );
}

const displayName = (connection: Connection) => connection.profile?.displayName ?? connection.handle;

function Face({ connection, size = 40 }: { connection: Connection; size?: number }) {
  const [broken, setBroken] = useState(false);
  const picture = connection.profile?.profileImageUrl;
  if (picture == null || broken) {
    return (
      <span aria-hidden style={{ width: size, height: size }} className="grid shrink-0 place-items-center rounded-full bg-sunken text-[0.8125rem] font-semibold text-soft">
        {[...displayName(connection)][0]?.toUpperCase()}
      </span>
    );
  }
  return <img src={picture} alt="" width={size} height={size} referrerPolicy="no-referrer" onError={() => setBroken(true)} className="shrink-0 rounded-full object-cover" />;
}

/** Addresses, names and tags stand out, as they do there. */
function Rich({ text, empty = "Nothing written yet" }: { text: string; empty?: string }) {
  if (text === "") return <p className="text-soft">{empty}</p>;
  const parts = text.split(/(https?:\/\/\S+|[#@][\p{L}\p{N}_.@-]+)/gu);
  return (
    <p className="break-words whitespace-pre-wrap">
      {parts.map((part, at) =>
        at % 2 === 1 ? (
          <span key={at} className="text-accent">
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </p>
  );
}

function Shot({ url, className }: { url: string; className: string }) {
  const [broken, setBroken] = useState(false);
  const kind = kindOf(url);
  if (kind === "image" && !broken) {
    return <img src={url} alt="" referrerPolicy="no-referrer" onError={() => setBroken(true)} className={`${className} bg-sunken object-cover`} />;
  }
  const Icon = kind === "document" ? FileText : kind === "video" ? Play : Film;
  return (
    <span className={`${className} grid place-items-center bg-sunken text-soft`}>
      <span className="grid justify-items-center gap-1 text-[0.75rem]">
        <Icon aria-hidden size={26} />
        {broken ? "No preview of this picture" : kind === "video" ? "Video" : "Document"}
      </span>
    </span>
  );
}

function Grid({ media }: { media: string[] }) {
  if (media.length === 0) return null;
  const shown = media.slice(0, 4);
  return (
    <div className={`mt-3 grid gap-0.5 overflow-hidden rounded-xl border border-line ${shown.length > 1 ? "grid-cols-2" : ""}`}>
      {shown.map((url, at) => (
        <span key={url} className="relative">
          <Shot url={url} className={`w-full ${shown.length > 1 ? "aspect-square" : "aspect-video"}`} />
          {at === 3 && media.length > 4 && (
            <span className="absolute inset-0 grid place-items-center bg-black/60 text-xl font-semibold text-white">+{media.length - 4}</span>
          )}
        </span>
      ))}
    </div>
  );
}

/** What follows a post, in a line of its own. */
function Following({ options }: { options: Record<string, unknown> }) {
  const thread = Array.isArray(options["thread"]) ? (options["thread"] as string[]) : [];
  const comment = typeof options["firstComment"] === "string" ? options["firstComment"] : "";
  const rest = [...thread, ...(comment === "" ? [] : [comment])].filter((text) => text !== "");
  if (rest.length === 0) return null;
  return (
    <ul className="mt-3 grid gap-2 border-l-2 border-line pl-3">
      {rest.map((text, at) => (
        <li key={at} className="text-[0.8125rem]">
          <Rich text={text} />
        </li>
      ))}
    </ul>
  );
}

const Icons = ({ children }: { children: ReactNode }) => (
  <div aria-hidden className="mt-3 flex items-center justify-between gap-6 text-soft [&>svg]:size-[17px]">
    {children}
  </div>
);

/** X, Bluesky, Mastodon, LinkedIn, and whatever else is a stream of posts. */
function Feed({ connection, text, media, options }: Props) {
  const isWork = connection.platform === "LINKEDIN";
  const warning = typeof options["spoilerText"] === "string" ? options["spoilerText"] : "";
  const poll = options["poll"] as { options?: string[] } | undefined;
  return (
    <div className="p-4 text-[0.875rem]">
      <div className="flex items-center gap-3">
        <Face connection={connection} />
        <div className="min-w-0 leading-tight">
          <p className="truncate font-semibold">{displayName(connection)}</p>
          <p className="truncate text-[0.8125rem] text-soft">{isWork ? "now" : `@${connection.handle.replace(/^@/, "")} · now`}</p>
        </div>
      </div>
      <div className="mt-3">
        {warning !== "" && <p className="mb-2 rounded-lg bg-sunken px-3 py-1.5 font-medium">{warning}</p>}
        <Rich text={text} />
      </div>
      <Grid media={media} />
      {poll?.options !== undefined && (
        <ul className="mt-3 grid gap-1.5">
          {poll.options.map((option, at) => (
            <li key={at} className="rounded-full border border-accent px-3 py-1 text-center font-medium text-accent">
              {option === "" ? `Choice ${at + 1}` : option}
            </li>
          ))}
        </ul>
      )}
      <Following options={options} />
      <Icons>
        {isWork ? <ThumbsUp /> : <MessageCircle />}
        {isWork ? <MessageCircle /> : <Repeat2 />}
        {isWork ? <Repeat2 /> : <Heart />}
        {isWork ? <Send /> : <Share2 />}
      </Icons>
    </div>
  );
}

function Instagram({ connection, text, media, options }: Props) {
  const isTall = options["mediaType"] === "REELS" || options["mediaType"] === "STORIES" || (media.length === 1 && kindOf(media[0] ?? "") === "video");
  return (
    <div className="text-[0.875rem]">
      <div className="flex items-center gap-3 px-4 py-3">
        <Face connection={connection} size={32} />
        <p className="truncate font-semibold">{connection.handle}</p>
        {media.length > 1 && <span className="ml-auto rounded-full bg-sunken px-2 text-[0.75rem] text-soft">1/{media.length}</span>}
      </div>
      {media[0] === undefined ? (
        <span className="grid aspect-square w-full place-items-center bg-sunken text-[0.8125rem] text-soft">A picture or a video goes here</span>
      ) : (
        <Shot url={media[0]} className={`w-full ${isTall ? "aspect-[9/14]" : "aspect-square"}`} />
      )}
      <div className="px-4 pb-4">
        <div aria-hidden className="flex gap-4 py-3 [&>svg]:size-[20px]">
          <Heart />
          <MessageCircle />
          <Send />
          <Bookmark className="ml-auto" />
        </div>
        {options["mediaType"] === "STORIES" ? (
          <p className="text-soft">A story shows no text.</p>
        ) : (
          <div className="[&>p]:inline">
            <span className="mr-1.5 font-semibold">{connection.handle}</span>
            <Rich text={text} />
          </div>
        )}
        <Following options={options} />
      </div>
    </div>
  );
}

/** A video that fills the screen, with the text over it. */
function Tall({ connection, text, media }: Props) {
  return (
    <div className="relative mx-auto aspect-[9/14] w-full max-w-64 bg-neutral-900 text-white">
      {media[0] !== undefined && <Shot url={media[0]} className="absolute inset-0 size-full opacity-60" />}
      <div className="absolute inset-x-0 bottom-0 bg-linear-to-t from-black to-transparent p-4 pt-12 pr-14 text-[0.8125rem]">
        <p className="font-semibold">@{connection.handle}</p>
        <p className="mt-1 line-clamp-4 break-words whitespace-pre-wrap">{text === "" ? "Nothing written yet" : text}</p>
      </div>
      <div aria-hidden className="absolute right-3 bottom-5 grid gap-4 [&>svg]:size-[22px]">
        <Heart />
        <MessageCircle />
        <Bookmark />
        <Share2 />
      </div>
    </div>
  );
}

function Wide({ connection, text, media, options }: Props) {
  const own = typeof options["title"] === "string" ? options["title"] : "";
  const title = own === "" ? (text.split("\n")[0] ?? "") : own;
  return (
    <div className="text-[0.875rem]">
      {media[0] === undefined ? (
        <span className="grid aspect-video w-full place-items-center bg-sunken text-[0.8125rem] text-soft">A video goes here</span>
      ) : (
        <Shot url={media[0]} className="aspect-video w-full" />
      )}
      <div className="flex gap-3 p-4">
        <Face connection={connection} size={36} />
        <div className="min-w-0">
          <p className="line-clamp-2 font-semibold break-words">{title === "" ? "The title" : title}</p>
          <p className="text-[0.8125rem] text-soft">{displayName(connection)} · now</p>
          <div className="mt-2 line-clamp-3 text-[0.8125rem]">
            <Rich text={text} empty="No description" />
          </div>
        </div>
      </div>
    </div>
  );
}

function Bubble({ connection, text, media }: Props) {
  return (
    <div className="bg-sunken p-4 text-[0.875rem]">
      <div className="max-w-80 overflow-hidden rounded-2xl rounded-bl-sm bg-surface">
        {media[0] !== undefined && <Shot url={media[0]} className="aspect-video w-full" />}
        <div className="px-3 py-2">
          <p className="font-semibold text-accent">{displayName(connection)}</p>
          <Rich text={text} />
          <p className="mt-1 text-right text-[0.6875rem] text-soft">now</p>
        </div>
      </div>
    </div>
  );
}
