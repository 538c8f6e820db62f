"""python -m videostyle"""

from videostyle.cli import main

if __name__ == "__main__":
    main()
