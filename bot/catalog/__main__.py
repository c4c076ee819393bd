"""`python -m bot.catalog` renews the JSON Schema of badday.yaml and the tables of docs/reference/catalog.md."""

from bot.catalog import reference


def main() -> None:
    reference.SCHEMA.write_text(reference.schema_text(), encoding="utf-8")
    page = reference.PAGE
    if page.is_file():  # only in a checkout
        page.write_text(reference.with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
