import type { CalendarDate } from "@internationalized/date";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight, FileUp, PenLine } from "lucide-react";
import { useEffect } from "react";

import { sentence } from "../../api/errors";
import { PageHead } from "../../app/Page";
import { useCapabilities, useHerald } from "../../connections/api";
import { movePost, postQuery, postsQuery } from "../../posts/api";
import { canMove, POST_STATES, postState, standsAt } from "../../posts/states";
import { Button, buttonClass, IconButton } from "../../ui/Button";
import { cx } from "../../ui/classes";
import { DayPick } from "../../ui/DayPick";
import { Notice } from "../../ui/Notice";
import { Pick } from "../../ui/Pick";
import { dateTime, edgeOfDay, userZone, zoneName } from "../../ui/time";
import { useToast } from "../../ui/Toasts";
import { useTalents } from "../talents/api";
import { dayOf, daysOf, isSameDay, localDay, movedTo, step, titleOf, today, type View } from "./dates";
import { Day, Month, Week } from "./Grids";
import { List } from "./List";

const route = getRouteApi("/calendar");

const VIEWS: [View, string][] = [
  ["month", "Month"],
  ["week", "Week"],
  ["day", "Day"],
  ["list", "List"],
];

/** How many pages are read by themselves: posts come by when they were written, not by when they go out. */
const MOST_PAGES = 5;

/** Every post by its time. */
export function Calendar() {
  const search = route.useSearch();
  const { session } = route.useRouteContext();
  const navigate = useNavigate({ from: "/calendar" });
  const herald = useHerald();
  const client = useQueryClient();
  const toast = useToast();
  const zone = userZone();
  const view = VIEWS.find(([name]) => name === search.view)?.[0] ?? (window.matchMedia("(width < 48rem)").matches ? "list" : "month");
  const day = dayOf(search.day, zone);
  const isStaff = session.role === "admin";
  const talents = useTalents(isStaff);
  const capabilities = useCapabilities();
  // Posts are found by when they were written, which is no day of the calendar: these two are of the list alone.
  const [from, to] = view === "list" ? [edgeOfDay(search.from, false), edgeOfDay(search.to, true)] : [];
  const filter = {
    ...(search.talent === undefined ? {} : { talentId: search.talent }),
    ...(search.platform === undefined ? {} : { platform: search.platform }),
    ...(search.status === undefined ? {} : { status: search.status }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const posts = useInfiniteQuery(postsQuery(herald, filter));
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = posts;
  const pages = client.getQueryState(postsQuery(herald, filter).queryKey)?.data?.pages.length ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && pages < MOST_PAGES) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, pages]);

  const all = posts.data ?? [];
  // A draft without a time stands in the list alone, and what was put away only where it is asked for.
  const listed = search.status === "archived" ? all : all.filter((post) => post.status !== "archived");
  const timed = listed.filter((post) => post.status !== "draft" || post.scheduledAt != null);

  const go = (part: { [name in keyof typeof search]?: string | undefined }) =>
    void navigate({
      search: (old) => Object.fromEntries(Object.entries({ ...old, ...part }).filter(([, value]) => value !== undefined)),
      replace: true,
    });
  const goDay = (next: CalendarDate, to: View = view) => go({ day: next.toString(), view: to });

  const put = async (postId: string, to: string, undo: boolean) => {
    try {
      const { post, etag } = await client.fetchQuery({ ...postQuery(herald, postId), staleTime: 0 });
      const before = post.scheduledAt ?? null;
      const moved = await movePost(herald, postId, etag, to);
      client.setQueryData(["post", postId], moved);
      toast({
        tone: "good",
        text: undo ? "Back where it was." : `Moved to ${dateTime(to, zone)}.`,
        ...(undo || before === null ? {} : { action: { label: "Undo", run: () => void put(postId, before, true) } }),
      });
    } catch (error) {
      toast({ tone: "bad", text: sentence(error) });
    } finally {
      await client.invalidateQueries({ queryKey: ["posts"] });
    }
  };
  const onMove = (postId: string, to: CalendarDate, hour?: number) => {
    const post = all.find((known) => known.id === postId);
    if (post === undefined) return;
    if (!canMove(post)) {
      toast({ tone: "bad", text: `It is ${postState(post.status).label.toLowerCase()} and can no longer be moved.` });
      return;
    }
    const from = standsAt(post);
    if (hour === undefined && isSameDay(localDay(from, zone), to)) return;
    const at = movedTo(from, to, zone, hour);
    if (at.getTime() < Date.now()) {
      toast({ tone: "bad", text: "That time has passed. Drop it on a later one." });
      return;
    }
    void put(postId, at.toISOString(), false);
  };
  const grid = { day, posts: timed, zone, onMove, onDay: (date: CalendarDate) => goDay(date, "day") };
  const days = view === "list" ? [] : daysOf(view, day);
  const filtered = Object.keys(filter).length > 0;
  return (
    <>
      <PageHead
        title={view === "list" ? "Posts" : titleOf(view, day, zone)}
        actions={
          <>
            <Link to="/import" className={buttonClass("plain")}>
              <FileUp aria-hidden size={16} /> Import
            </Link>
            <Link to="/compose" search={search.talent === undefined ? {} : { talent: search.talent }} className={buttonClass("primary")}>
              <PenLine aria-hidden size={16} /> Write
            </Link>
          </>
        }
      >
        Times in {zoneName(zone, days[0]?.toDate(zone))}
      </PageHead>
      <div className="mb-4 flex flex-wrap items-center gap-x-4 gap-y-3">
        <div role="group" aria-label="View" className="flex rounded-control bg-sunken p-0.5">
          {VIEWS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              aria-pressed={view === name}
              onClick={() => go({ view: name })}
              className={cx("min-h-9 rounded-[7px] px-3 text-[0.8125rem] font-medium", view === name ? "bg-surface text-ink shadow-card" : "text-soft hover:text-ink")}
            >
              {label}
            </button>
          ))}
        </div>
        {view !== "list" && (
          <div className="flex items-center gap-1">
            <IconButton label={`Previous ${view}`} onClick={() => goDay(step(view, day, -1))}>
              <ChevronLeft aria-hidden size={18} />
            </IconButton>
            <Button small onClick={() => goDay(today(zone))}>
              Today
            </Button>
            <IconButton label={`Next ${view}`} onClick={() => goDay(step(view, day, 1))}>
              <ChevronRight aria-hidden size={18} />
            </IconButton>
          </div>
        )}
        <div className="flex flex-wrap gap-2 sm:ml-auto">
          {view === "list" && (
            <>
              <DayPick label="Written from" value={search.from} onPick={(from) => go({ from })} />
              <DayPick label="to" value={search.to} onPick={(to) => go({ to })} />
            </>
          )}
          {isStaff && (
            <Pick label="Talent" value={search.talent} all="All talents" choices={(talents.data ?? []).map(({ id, name }) => [id, name])} onPick={(talent) => go({ talent })} />
          )}
          <Pick label="Platform" value={search.platform} all="All platforms" choices={(capabilities.data ?? []).map(({ platform, name }) => [platform, name])} onPick={(platform) => go({ platform })} />
          <Pick label="State" value={search.status} all="All states" choices={POST_STATES.map((state) => [state, postState(state).label])} onPick={(status) => go({ status })} />
        </div>
      </div>
      {posts.isError && (
        <div className="mb-4">
          <Notice tone="bad" action={<Button small onClick={() => void posts.refetch()}>Try again</Button>}>
            {sentence(posts.error)}
          </Notice>
        </div>
      )}
      {posts.isPending ? (
        <span role="status" aria-label="Loading posts" className="skeleton block h-[36rem] !rounded-card" />
      ) : view === "month" ? (
        <Month {...grid} />
      ) : view === "week" ? (
        <Week {...grid} />
      ) : view === "day" ? (
        <Day {...grid} />
      ) : (
        <List posts={listed} zone={zone} filtered={filtered} />
      )}
      {hasNextPage && pages >= MOST_PAGES && (
        <div className="mt-4">
          <Notice tone="info" action={<Button small busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>Read older ones</Button>}>
            The {all.length} posts that were written last are shown.
          </Notice>
        </div>
      )}
    </>
  );
}
