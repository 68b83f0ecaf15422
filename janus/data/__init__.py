"""Files that the package reads: the schemas of the config, and the numbers that the papers print.

They are edited in workflow/; the links to them here put them into a wheel too.
"""

from pathlib import Path

SCHEMAS = Path(__file__).with_name("schemas")
PUBLISHED = Path(__file__).with_name("published")
