"""One file a way to reach somebody: what it wants to know, and how it sends; see bot.paging.contact."""
