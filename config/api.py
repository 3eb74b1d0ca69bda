"""Which resources the API has. Every route stands in this router, so that a test can walk them all."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from chains.api.chains import ChainViewSet
from chains.api.placements import PlacementViewSet
from chains.api.reports import GapReportViewSet
from crm.api.companies import CompanyViewSet
from projects.api.carriers import CarrierViewSet
from projects.api.projects import ProjectViewSet

router = SimpleRouter()
router.register("companies", CompanyViewSet, "api-company")
router.register("projects", ProjectViewSet, "api-project")
router.register("carriers", CarrierViewSet, "api-carrier")
router.register("chains", ChainViewSet, "api-chain")
router.register("placements", PlacementViewSet, "api-placement")
router.register("gap-reports", GapReportViewSet, "api-gap-report")
