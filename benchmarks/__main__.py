"""`make bench`."""

import sys

from ingest import main, report

report(main(count=int((sys.argv[1:] or ["400000"])[0]), rounds=int((sys.argv[2:] or ["3"])[0])))
