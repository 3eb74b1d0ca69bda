from chains.admin import chains, inlines, placements, reports

__all__ = ["chains", "inlines", "placements", "reports"]
