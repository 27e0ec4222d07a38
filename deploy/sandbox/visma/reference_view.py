"""How reads show a company's set-up: accounts, VAT, terms, periods and the like."""

from __future__ import annotations

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.models import Account, Currency, Period, Vat, VatCategory

_SET_UP = "2020-01-01T00:00:00"


def account_json(company: Company, account: Account) -> Json:
    """AccountDto."""
    return {
        "accountID": account.id,
        "accountCD": account.number,
        "accountClass": account.type.upper(),
        "type": account.type,
        "active": account.active,
        "description": account.description,
        "useDefaultSub": False,
        "postOption": "Detail",
        "currency": None,
        "taxCategory": account.vat_category,
        "cashAccount": account.control_module == "Cash",
        "publicCode1": None,
        "controlAccountModule": account.control_module,
        "allowManualEntry": account.allow_manual_entry,
        "lastModifiedDateTime": company.local(account.modified_at) if account.modified_at else None,
        "timeStamp": account.version,
        "errorInfo": "",
    }


def category_json(company: Company, category: VatCategory) -> Json:
    """VatCategoryDto with the VAT ids it leads to."""
    lines = [
        {
            "vatId": vat.id,
            "vendorCd": None,
            "description": vat.description,
            "type": vat.type,
            "calculateOn": "ExtractFromItemAmount" if vat.inclusive else "CalculateOnItemAmount",
            "vatRates": [
                {"revisionID": "1", "vatRate": vat.rate, "groupType": "Input", "startDate": _SET_UP}
            ],
        }
        for vat in company.vats.values()
        if category.id in vat.categories
    ]
    return {
        "vatCategoryId": category.id,
        "description": category.description,
        "active": category.active,
        "excludeListedTaxes": False,
        "lastModifiedDateTime": _SET_UP,
        "vatCategoryLines": lines,
    }


def vat_json(company: Company, vat: Vat) -> Json:
    """VatInformationDto."""
    categories = [
        {"vatCategoryId": key, "active": company.vat_categories[key].active} for key in vat.categories
    ]
    zones = [{"id": key, "description": company.vat_zones.get(key)} for key in vat.zones or company.vat_zones]
    return {
        "vatCategoryId": vat.id,
        "vatId": vat.id,
        "description": vat.description,
        "type": vat.type,
        "reverseVat": vat.type == "ReverseVat",
        "includeinVatTotal": vat.counted,
        "calculateOn": "ExtractFromItemAmount" if vat.inclusive else "CalculateOnItemAmount",
        "lastModifiedDateTime": _SET_UP,
        "schedules": [{"startDate": _SET_UP, "vatRate": vat.rate, "groupType": "Input"}],
        "categories": categories,
        "zones": zones,
    }


def zone_json(company: Company, zone_id: str) -> Json:
    """VatZoneDto."""
    return {
        "id": zone_id,
        "description": company.vat_zones[zone_id],
        "defaultVatCategory": None,
        "errorInfo": "",
    }


def currency_json(company: Company, currency: Currency) -> Json:
    """CurrencyDto."""
    return {
        "id": currency.id,
        "description": currency.description,
        "symbol": currency.id,
        "isBaseCurrency": currency.id == company.base_currency,
        "decimalPrecision": currency.places,
        "isUsedForAccounting": True,
    }


def term_json(terms_id: str, term: Json) -> Json:
    """CreditTermDto."""
    return {
        "termsId": terms_id,
        "description": term["description"],
        "visibleTo": "AL",
        "dueDateType": "N",
        "dueDay1": term["days"],
        "discountType": "N",
        "createdDateTime": _SET_UP,
        "lastModifiedDateTime": _SET_UP,
    }


def period_json(period: Period) -> Json:
    """FinancialPeriodDto."""
    return {
        "year": period.year,
        "period": period.period,
        "startDate": f"{period.start}T00:00:00",
        "endDate": f"{period.end}T00:00:00",
        "description": f"{period.start:%B %Y}",
        "active": period.active,
        "closedInSupplierLedger": period.closed_in_supplier_ledger,
        "closedInCustomerLedger": False,
        "closedInInventoryManagement": False,
        "closedInGeneralLedger": period.closed_in_general_ledger,
        "closedInCashManagement": False,
        "closedInFixedAssets": False,
    }


def branch_json(company: Company, number: str) -> Json:
    """BranchDto."""
    branches = list(company.branches)
    return {
        "branchId": branches.index(number) + 1,
        "number": number,
        "name": company.branches[number],
        "isMainBranch": number == branches[0],
        "isActive": True,
        "lastModifiedDateTime": _SET_UP,
        "currency": {"id": company.base_currency},
    }


def department_json(company: Company, department_id: str) -> Json:
    """DepartmentDto; departments are no part of a posting."""
    return {
        "departmentId": department_id,
        "publicId": None,
        "description": company.departments[department_id],
        "expenseAccount": None,
        "expenseSubaccount": None,
        "lastModifiedDateTime": _SET_UP,
        "timeStamp": "",
    }


def method_json(company: Company, method_id: str) -> Json:
    """PaymentMethodDto."""
    return {
        "paymentMethodID": method_id,
        "active": True,
        "meansOfPayment": "DirectDeposit",
        "description": company.payment_methods[method_id],
        "useInAP": True,
        "details": [],
    }


def ledger_json(company: Company, number: str) -> Json:
    """LedgerDto."""
    return {
        "internalId": 1,
        "number": number,
        "description": company.ledgers[number],
        "balanceType": "Actual",
        "currencyId": company.base_currency,
        "lastModifiedDateTime": _SET_UP,
    }


def class_json(company: Company, class_id: str) -> Json:
    """SupplierClassDto."""
    return {
        "id": class_id,
        "description": company.supplier_classes[class_id].get("description"),
        "paymentMethodId": None,
        "attributes": [],
        "timeStamp": "",
    }
