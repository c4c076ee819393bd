"""One file a source: it says where the data is and what it means; see bot.watches.source."""
