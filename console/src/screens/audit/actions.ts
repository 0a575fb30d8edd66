/** What was done, in words. */
const ACTIONS: Record<string, string> = {
  "connection.connect_manual": "Linked an account by its handle",
  "connection.oauth": "Connected an account with consent",
  "connection.oauth_failed": "Asked for consent, in vain",
  "connection.hand_over": "Handed over an account's tokens",
  "connection.sync": "Asked for a sync",
  "connection.pause": "Paused an account",
  "connection.resume": "Resumed an account",
  "connection.disconnect": "Disconnected an account",
  "connection.remove": "Deleted an account",
  "post.create": "Wrote a post",
  "post.update": "Changed a post",
  "post.schedule": "Scheduled a post",
  "post.publish": "Published a post",
  "post.cancel": "Took a post back",
  "post.retry": "Retried a post",
  "post.archive": "Archived a post",
  "post.remove": "Deleted a post",
  "post.remove_remote": "Deleted a post on its platforms",
  "post.bulk": "Imported posts",
  "delivery.resolve": "Decided an unconfirmed post",
  "talent.save": "Added or renamed a talent",
  "competitor.add": "Added an account to compare with",
  "competitor.remove": "Removed an account to compare with",
  "workspace.update": "Changed the workspace",
  "api_key.create": "Made an API key",
  "api_key.revoke": "Revoked an API key",
  "queue.redrive": "Put dead letters back",
  "analytics.read": "Read analytics",
};

export const ACTION_CHOICES: [string, string][] = Object.entries(ACTIONS);
/** An action of a newer API keeps its own name. */
export const actionWord = (action: string): string => ACTIONS[action] ?? action;
