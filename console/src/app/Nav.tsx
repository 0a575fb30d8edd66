import { Link, useRouterState } from "@tanstack/react-router";
import { Activity, CalendarDays, ChartLine, Ellipsis, KeyRound, PenLine, ScrollText, UserRound, Users } from "lucide-react";
import { type ComponentType, useState } from "react";

import { cx } from "../ui/classes";
import { Dialog } from "../ui/Dialog";
import type { Session } from "./session";

interface Place {
  to: string;
  label: string;
  icon: ComponentType<{ size?: number; "aria-hidden"?: boolean }>;
  for: Session["role"][];
}

const PLACES: Place[] = [
  { to: "/calendar", label: "Calendar", icon: CalendarDays, for: ["admin", "talent"] },
  { to: "/compose", label: "Write", icon: PenLine, for: ["admin", "talent"] },
  { to: "/talents", label: "Talents", icon: Users, for: ["admin"] },
  { to: "/accounts", label: "My accounts", icon: UserRound, for: ["talent"] },
  { to: "/analytics", label: "Analytics", icon: ChartLine, for: ["admin", "talent"] },
];

/** What concerns the installation, not the people in it. */
const HOUSE: Place[] = [
  { to: "/operations", label: "Operations", icon: Activity, for: ["admin"] },
  { to: "/audit-log", label: "Audit log", icon: ScrollText, for: ["admin"] },
  { to: "/api-keys", label: "API keys", icon: KeyRound, for: ["admin"] },
];

const placesOf = (places: Place[], role: Session["role"]) => places.filter((place) => place.for.includes(role));

const ITEM = "flex min-h-10 items-center gap-3 rounded-control px-3 text-[0.875rem] font-medium text-soft transition-colors hover:bg-sunken hover:text-ink";
const CHOSEN = { className: "!bg-accent-wash !text-accent", "aria-current": "page" as const };

function Items({ places, onGo }: { places: Place[]; onGo?: () => void }) {
  return (
    <ul className="grid gap-0.5">
      {places.map((place) => (
        <li key={place.to}>
          <Link to={place.to} className={ITEM} activeProps={CHOSEN} onClick={onGo}>
            <place.icon size={18} aria-hidden />
            {place.label}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** The places at the side of a wide screen. */
export function SideNav({ role }: { role: Session["role"] }) {
  const house = placesOf(HOUSE, role);
  return (
    <nav aria-label="Main" className="mt-7">
      <Items places={placesOf(PLACES, role)} />
      {house.length > 0 && (
        <div className="mt-4 border-t border-line pt-4">
          <Items places={house} />
        </div>
      )}
    </nav>
  );
}

const TAB = "flex min-h-14 w-full flex-col items-center justify-center gap-0.5 text-[0.6875rem] font-medium text-soft";

/** The places at the foot of a narrow screen: as many as a thumb can tell apart, the others behind the last of them. */
export function BottomNav({ role }: { role: Session["role"] }) {
  const [isOpen, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const house = placesOf(HOUSE, role);
  const isThere = house.some(({ to }) => path.endsWith(to));
  return (
    <>
      <nav aria-label="Main" className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden">
        <ul className="flex">
          {placesOf(PLACES, role).map((place) => (
            <li key={place.to} className="flex-1">
              <Link to={place.to} className={TAB} activeProps={{ className: "!text-accent", "aria-current": "page" }}>
                <place.icon size={20} aria-hidden />
                {place.label}
              </Link>
            </li>
          ))}
          {house.length > 0 && (
            <li className="flex-1">
              <button type="button" aria-haspopup="dialog" className={cx(TAB, isThere && "!text-accent")} onClick={() => setOpen(true)}>
                <Ellipsis size={20} aria-hidden />
                More
              </button>
            </li>
          )}
        </ul>
      </nav>
      {isOpen && (
        <Dialog title="More" onClose={() => setOpen(false)}>
          <Items places={house} onGo={() => setOpen(false)} />
        </Dialog>
      )}
    </>
  );
}
