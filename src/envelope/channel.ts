/** The topic that a Laravel channel names: its name without the prefix that says who may listen. */
export function topicOfChannel(channel: string): { topic: string; encrypted: boolean } {
  const encrypted = channel.startsWith("private-encrypted-");
  const prefix = encrypted
    ? "private-encrypted-"
    : (prefixes.find((known) => channel.startsWith(known)) ?? "");
  return { topic: channel.slice(prefix.length), encrypted };
}

/** Prefixes of channel names (Laravel's PrivateChannel and PresenceChannel). A topic cannot begin with one. */
export const prefixes = ["private-", "presence-"];
