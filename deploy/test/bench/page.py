"""The commands of a page of the documentation, as its reader types them."""


def commands(page):
    """Those of each heading (`## `), in order; what stands above the first one is left out."""
    found = []
    for line in page.read_text().splitlines():
        if line.startswith("## "):
            found.append([])
        elif line.startswith("    ") and found:
            found[-1].append(line.strip())
    return found
