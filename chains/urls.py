from __future__ import annotations

from django.urls import path

from chains.views import reports

urlpatterns = [
    path("", reports.home, name="home"),
    path("model/", reports.model_page, name="gap-model"),
    path("chains/<slug:code>/", reports.chain_report, name="chain"),
    path("chains/<slug:code>/chain.json", reports.chain_file, name="chain-file"),
    path("chains/<slug:code>/nodes/<str:node>/", reports.node_page, name="chain-node"),
    path("chains/<slug:code>/reports/<int:number>/", reports.chain_report, name="report"),
    path("chains/<slug:code>/reports/<int:number>/chain.json", reports.chain_file, name="report-file"),
    path("chains/<slug:code>/reports/<int:number>/nodes/<str:node>/", reports.node_page, name="report-node"),
]
